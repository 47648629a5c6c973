import type { JsonObject, JsonValue } from '../core/json.ts';

/** One value of the arguments. */
export type Leaf = {
  /** JSON Pointer (RFC 6901). */
  path: string;
  value: string | number | boolean | null;
  /** Names on the way to it that may themselves be values: a member called like an address. */
  names: string[];
};

/** More values than this are not looked at one by one. */
export const MAX_LEAVES = 2_000;

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$-]{0,63}$/;

/** The values of the arguments, in order. `more`: whether there are others beyond the limit. */
export function leavesOf(args: JsonObject): { leaves: Leaf[]; more: boolean } {
  const leaves: Leaf[] = [];
  const pending: { value: JsonValue; path: string; names: string[] }[] = [{ value: args, path: '', names: [] }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, path, names } = next;
    if (typeof value !== 'object' || value === null) {
      if (leaves.length >= MAX_LEAVES) return { leaves, more: true };
      leaves.push({ path, value, names });
      continue;
    }
    const list = Array.isArray(value);
    const inner = Object.entries(value).map(([name, member]) => ({
      value: member,
      path: `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      names: list || IDENTIFIER.test(name) ? names : [...names, name],
    }));
    for (const member of inner.toReversed()) pending.push(member);
  }
  return { leaves, more: false };
}
