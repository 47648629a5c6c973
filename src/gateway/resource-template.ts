import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { normalisePath, normaliseUrl } from '../core/resource.ts';

/** A template of resource names, parsed: `file:{path|path}`, `{url|url}`, `row:{table}/{keys[]}`. */
export type ResourceTemplate = { source: string; parts: (string | Placeholder)[] };
type Placeholder = { source: string; path: Segment[]; normalise: (text: string) => string | null };
type Segment = { key: string; each: boolean };

export type ResolvedResources = { resources: string[] } | { problem: string };

const NORMALISERS: Record<string, (text: string) => string | null> = { path: normalisePath, url: normaliseUrl };
/** More names than this in one call are refused: each is matched against every pattern of every grant of the chain. */
const MAX_RESOURCES = 1000;
/** And each of them is gone through by every pattern. */
const MAX_LENGTH = 8_192;

/** @throws RangeError naming what is wrong with the template: a fault of the target file. */
export function parseResourceTemplate(source: string): ResourceTemplate {
  const parts: ResourceTemplate['parts'] = [];
  for (const [index, text] of source.split(/\{([^{}]*)\}/).entries()) {
    if (index % 2 === 1) parts.push(parsePlaceholder(text));
    else if (/[{}]/.test(text)) throw new RangeError(`\`${source}\` has a brace without its partner`);
    else if (text !== '') parts.push(text);
  }
  return { source, parts };
}

function parsePlaceholder(source: string): Placeholder {
  const [path = '', name, ...more] = source.split('|');
  const normalise = name === undefined ? keep : Object.hasOwn(NORMALISERS, name) ? NORMALISERS[name] : undefined;
  if (normalise === undefined || more.length > 0) {
    throw new RangeError(`\`{${source}}\` has a normaliser that is neither \`path\` nor \`url\``);
  }
  const segments = path.split('.').map((segment): Segment => {
    const each = segment.endsWith('[]');
    const key = each ? segment.slice(0, -2) : segment;
    if (key === '' || /[[\]\s]/.test(key)) throw new RangeError(`\`{${source}}\` does not name an argument`);
    return { key, each };
  });
  return { source, path: segments, normalise };
}

function keep(text: string): string {
  return text;
}

/** The names that a call is about, or why one of them cannot be told. The caller denies then: nothing is guessed. */
export function resolveResources(templates: readonly ResourceTemplate[], args: JsonObject): ResolvedResources {
  const resources: string[] = [];
  for (const template of templates) {
    let names = [''];
    for (const part of template.parts) {
      const values = typeof part === 'string' ? { values: [part] } : resolvePlaceholder(part, args);
      if ('problem' in values) return values;
      if (names.length * values.values.length > MAX_RESOURCES)
        return { problem: `\`${template.source}\` names more than ${MAX_RESOURCES} things` };
      names = names.flatMap((name) => values.values.map((value) => name + value));
    }
    resources.push(...names);
  }
  return { resources: [...new Set(resources)] };
}

function resolvePlaceholder(placeholder: Placeholder, args: JsonObject): { values: string[] } | { problem: string } {
  const found = valuesAt(args, placeholder.path);
  const name = placeholder.source;
  if (found === null || found.length === 0) return { problem: `argument \`${name}\` is missing or has another form` };
  if (found.length > MAX_RESOURCES) return { problem: `argument \`${name}\` has more than ${MAX_RESOURCES} items` };
  const values: string[] = [];
  for (const value of found) {
    if (typeof value !== 'string' && typeof value !== 'number') {
      return { problem: `argument \`${name}\` is neither a text nor a number` };
    }
    const text = String(value);
    if (text.length > MAX_LENGTH) return { problem: `argument \`${name}\` is longer than a name can be` };
    // eslint-disable-next-line no-control-regex -- a control character in a name is exactly what is refused here
    if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) return { problem: `argument \`${name}\` has a control character` };
    const normal = placeholder.normalise(text);
    if (normal === null) return { problem: `argument \`${name}\` cannot be told apart from another resource` };
    values.push(normal);
  }
  return { values };
}

function valuesAt(args: JsonObject, path: readonly Segment[]): JsonValue[] | null {
  let current: JsonValue[] = [args];
  for (const { key, each } of path) {
    const next: JsonValue[] = [];
    for (const value of current) {
      if (!isJsonObject(value) || !Object.hasOwn(value, key)) return null;
      const member = value[key]!;
      if (!each) next.push(member);
      else if (Array.isArray(member)) next.push(...member);
      else return null;
    }
    current = next;
  }
  return current;
}
