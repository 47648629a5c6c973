import type { ArgumentOrigin } from '../core/action.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { LeafOrigin } from './provenance.ts';
import { worstOf } from './search.ts';

/** Members of members, so deep; and so many names altogether. */
const MAX_DEPTH = 4;
const MAX_NAMES = 200;

/**
 * The worst origin in each argument, and in each member of one by its path (`path.user`): what policy sees as
 * `context.provenance`. The items of a list are one with it. Truth values say nothing beside others.
 */
export function argumentOrigins(args: JsonObject, origins: readonly LeafOrigin[]): Record<string, ArgumentOrigin> {
  const byPointer = new Map(origins.map(({ path, origin }) => [path, origin]));
  // Beyond what was looked at, everything is as the rest is said to be.
  const rest = byPointer.get('');
  const worst = new Map<string, ArgumentOrigin>();
  const note = (name: string, origin: ArgumentOrigin) => {
    const known = worst.get(name);
    if (known !== undefined || worst.size < MAX_NAMES)
      worst.set(name, known === undefined ? origin : worstOf([known, origin])!);
  };
  const walk = (value: JsonValue, pointer: string, names: readonly string[], inList: boolean): void => {
    if (typeof value !== 'object' || value === null) {
      const origin = byPointer.get(pointer) ?? rest;
      if (origin === undefined) return;
      const says = typeof value === 'string' || typeof value === 'number';
      for (const [place, name] of names.entries()) if (says || place === names.length - 1) note(name, origin);
      return;
    }
    const list = inList || Array.isArray(value);
    for (const [name, member] of Object.entries(value)) {
      const step = name.replaceAll('~', '~0').replaceAll('/', '~1');
      const deeper =
        list || names.length >= MAX_DEPTH ? names : [...names, names.length === 0 ? name : `${names.at(-1)}.${name}`];
      walk(member, `${pointer}/${step}`, deeper, list);
    }
  };
  walk(args, '', [], false);
  return Object.fromEntries(worst);
}
