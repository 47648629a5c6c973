import { ARGUMENT_ORIGINS, type ArgumentFlow, type ArgumentOrigin } from '../core/action.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { addressesIn, isAddress } from './addresses.ts';
import type { LeafOrigin, Provenance } from './provenance.ts';

/** What a value says, by the names on the way to it. See catalogue/argument-roles.ts. */
export type RoleOf = (path: readonly string[], value: string | number) => Role;
type Role = 'target' | 'setting' | 'content' | 'measure' | 'proof';

/**
 * Where the values of an action's arguments were seen, taken together by what they are for. Switches, measures, proofs and
 * empty values say nothing.
 */
export function flowOf(provenance: Provenance, args: JsonObject, roleOf: RoleOf): ArgumentFlow {
  return flowAndOrigins(provenance, args, roleOf).flow;
}

/** The same with the origin of each value. */
export function flowAndOrigins(
  provenance: Provenance,
  args: JsonObject,
  roleOf: RoleOf,
): { flow: ArgumentFlow; origins: LeafOrigin[] } {
  const values = new Map(
    valuesOf(args).map(({ pointer, path, value }) => [pointer, { value, role: roleOf(path, value) }]),
  );
  const isTarget = (pointer: string) => ['target', 'setting'].includes(values.get(pointer)?.role ?? '');
  const flow = {
    targets: originSet(),
    addresses: originSet(),
    settings: originSet(),
    content: originSet(),
    links: originSet(),
  };
  const origins = provenance.of(args, isTarget);
  for (const { path: pointer, origin } of origins) {
    const known = values.get(pointer);
    if (known === undefined) {
      // There were too many values to look at each: they could be anything.
      if (pointer === '') flow.targets.add(origin);
      continue;
    }
    const text = String(known.value);
    switch (known.role) {
      case 'target':
        flow.targets.add(origin);
        if (isAddress(text)) flow.addresses.add(origin);
        break;
      case 'setting':
        flow.settings.add(origin);
        break;
      case 'content':
        flow.content.add(origin);
        for (const link of provenance.of({ links: addressesIn(text) }, () => true)) flow.links.add(link.origin);
        break;
      case 'measure':
      case 'proof':
        break;
    }
  }
  return {
    flow: {
      targets: inOrder(flow.targets),
      addresses: inOrder(flow.addresses),
      settings: inOrder(flow.settings),
      content: inOrder(flow.content),
      links: inOrder(flow.links),
    },
    origins,
  };
}

/** Origins of what a call asks for. */
export function askedOf({ targets, settings, content }: ArgumentFlow): ArgumentOrigin[] {
  return inOrder(new Set([...targets, ...settings, ...content]));
}

const originSet = () => new Set<ArgumentOrigin>();

function inOrder(origins: ReadonlySet<ArgumentOrigin>): ArgumentOrigin[] {
  return ARGUMENT_ORIGINS.filter((origin) => origins.has(origin));
}

type Value = { pointer: string; path: string[]; value: string | number };

/** The values by their JSON Pointers, each with the names on the way to it. */
function valuesOf(args: JsonObject): Value[] {
  const values: Value[] = [];
  const pending: { pointer: string; path: string[]; value: JsonValue }[] = [{ pointer: '', path: [], value: args }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { pointer, path, value } = next;
    if (typeof value === 'number' || (typeof value === 'string' && value.trim() !== ''))
      values.push({ pointer, path, value });
    if (typeof value !== 'object' || value === null) continue;
    const isList = Array.isArray(value);
    for (const [name, member] of Object.entries(value)) {
      const step = name.replaceAll('~', '~0').replaceAll('/', '~1');
      pending.push({ pointer: `${pointer}/${step}`, path: isList ? path : [...path, name], value: member });
    }
  }
  return values;
}
