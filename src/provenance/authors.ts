import { isJsonObject, type JsonValue } from '../core/json.ts';

const PREFIX = 'author:';
/** Of somebody who is not named where the target file says that they are. */
export const UNKNOWN_AUTHOR = `${PREFIX}unknown`;
/** Beyond as many, a task knows of its authors only that there are more. */
const MOST = 100;
export const MORE_AUTHORS = `${PREFIX}others`;
const MAX_NAME = 200;

/**
 * Labels of who wrote what was read, by the word of the target: `author:` and the name in lower case. A label alone: whoever is
 * named, the result is trusted no more than it was. Where the pointer meets a list, each of its items is asked.
 *
 * @param pointer JSON Pointer (RFC 6901).
 * @param before labels that the task has.
 */
export function authorLabels(value: JsonValue, pointer: string, before: readonly string[]): string[] {
  const named = new Set<string>();
  const room = MOST - before.filter((label) => label.startsWith(PREFIX)).length;
  const tokens = pointer === '' ? [] : pointer.slice(1).split('/').map(unescaped);
  const pending: { at: JsonValue | undefined; depth: number }[] = [{ at: value, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { at, depth } = next;
    if (Array.isArray(at)) {
      for (const item of at) pending.push({ at: item, depth });
      // Of nobody nothing can be said.
      if (at.length === 0 && depth === tokens.length) named.add(UNKNOWN_AUTHOR);
    } else if (depth < tokens.length) {
      const token = tokens[depth]!;
      const member = isJsonObject(at) && Object.hasOwn(at, token) ? at[token] : undefined;
      if (member === undefined) named.add(UNKNOWN_AUTHOR);
      else pending.push({ at: member, depth: depth + 1 });
    } else named.add(labelOf(at));
    if (named.size > room) return [...[...named].slice(0, Math.max(0, room)), MORE_AUTHORS];
  }
  return [...named];
}

function labelOf(author: JsonValue | undefined): string {
  const name = typeof author === 'string' || typeof author === 'number' ? String(author).trim().toLowerCase() : '';
  if (name === '' || name.length > MAX_NAME || !name.isWellFormed() || /\p{C}/u.test(name)) return UNKNOWN_AUTHOR;
  return `${PREFIX}${name}`;
}

function unescaped(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
