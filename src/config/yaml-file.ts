import { readFileSync } from 'node:fs';
import { isMap, isNode, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { InvalidConfig } from '../core/errors.ts';
import { findJsonHazard, type JsonValue } from '../core/json.ts';

/**
 * Reads a YAML file under a schema.
 *
 * @throws InvalidConfig with one line: file, line, field and what is expected.
 */
export function readYaml<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  return parseYaml(file, readText(file), schema);
}

/** As `readYaml`, of a text that was read already; `file` is what messages call it. */
export function parseYaml<Schema extends z.ZodType>(file: string, text: string, schema: Schema): z.output<Schema> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const line = lines.linePos(broken.pos[0]).line;
    throw new InvalidConfig(`${file}:${line}: ${broken.message.split('\n')[0]!.replace(/ at line.*$/, '')}`);
  }
  const value = valueOf(file, document);
  const hazard = findJsonHazard(value, { maxDepth: MAX_DEPTH });
  if (hazard !== null) {
    const place = hazard.path.split('/').slice(1);
    throw new InvalidConfig(`${file}:${lineOf(document, lines, place)}: \`${place.join('.')}\` ${hazard.problem}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // A misspelt field is also a missing one: the spelling is what helps.
  const { issues } = parsed.error;
  const issue = deepest(issues.find((candidate) => candidate.code === 'unrecognized_keys') ?? issues[0]!);
  const place = [...issue.path, ...(issue.keys?.slice(0, 1) ?? [])];
  throw new InvalidConfig(`${file}:${lineOf(document, lines, place)}: ${describe(issue)}`);
}

const MAX_DEPTH = 64;

/** What the document stands for, its aliases followed. */
function valueOf(file: string, document: Document): JsonValue {
  try {
    return (document.toJS() ?? {}) as JsonValue;
  } catch (cause) {
    throw new InvalidConfig(`${file}: its aliases unfold to more than a file should hold; write them out`, { cause });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : 'unknown error';
    throw new InvalidConfig(`${file}: cannot be read (${String(code)}); check the path and its permissions`, { cause });
  }
}

type Issue = { path: PropertyKey[]; message: string; code?: string | undefined; keys?: string[] };

/** For a union, the branch that came furthest says what is really wrong. */
function deepest(issue: z.core.$ZodIssue): Issue {
  // zod only says that the key is invalid; why is one level below.
  if (issue.code === 'invalid_key') return { path: issue.path, message: issue.issues[0]?.message ?? issue.message };
  if (issue.code !== 'invalid_union') return issue;
  const branches = issue.errors.flatMap((branch) => branch.slice(0, 1)).map(deepest);
  const best = branches.sort((a, b) => b.path.length - a.path.length)[0];
  if (best === undefined || best.path.length === 0) return issue;
  return { ...best, path: [...issue.path, ...best.path] };
}

function describe(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') {
    const field = [...issue.path, issue.keys?.[0] ?? ''].join('.');
    // A schema may say which fields it knows; zod's own words only repeat the name.
    const hint = issue.message.startsWith('Unrecognized') ? 'remove it or check its spelling' : issue.message;
    return `\`${field}\` is not a known field; ${hint}`;
  }
  const field = issue.path.length === 0 ? 'the file' : `\`${issue.path.join('.')}\``;
  return `${field}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
}

/** The line of the deepest field on the path that the file has; a missing field is reported at its parent. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const name = path[length - 1];
    const key = isMap(parent)
      ? parent.items.find((pair) => isNode(pair.key) && pair.key.toJSON() === name)?.key
      : document.getIn(path.slice(0, length), true);
    if (isNode(key) && key.range) return lines.linePos(key.range[0]).line;
  }
  return 1;
}
