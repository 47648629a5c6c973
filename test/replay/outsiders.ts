import type { JsonValue } from '../../src/core/json.ts';
import type { Episode } from './suite.ts';

/** One suite of `vectors.json`: the places in a target's data where outsiders can write, and tools that read them. */
export type Vectors = Record<string, Vector>;

type Vector = { default?: string; seen_via_tools?: string[] };

/**
 * The tools whose results hold what outsiders wrote: those that the configuration names, and those that return, in a run
 * without an attack, what stands at one of its places. The configuration names a tool only where a prescribed run uses it.
 */
export function outsiderTools(vectors: Vectors, benign: readonly Episode[]): Set<string> {
  const places = Object.values(vectors);
  const tools = new Set(places.flatMap(({ seen_via_tools: named }) => named ?? []));
  const written = places
    .map(({ default: text }) => unescaped(text ?? '').trim())
    .filter((text) => text.length >= TELLING);
  for (const { tool, result } of benign.flatMap(({ calls }) => calls)) {
    if (result === undefined || tools.has(tool)) continue;
    if (textsOf(result).some((text) => written.some((each) => text.includes(each)))) tools.add(tool);
  }
  return tools;
}

/** Characters below which a text could be anybody's. */
const TELLING = 12;

/** The suite has line breaks and tabs written out. */
export function unescaped(text: string): string {
  return text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
}

function textsOf(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}
