import type { Request } from './compile.ts';
import type { Constraint, Scope } from './scope.ts';
import type { EntityUid } from './value.ts';

/** Policies that few share a list; more are told apart by the next variable of their heads. */
const FEW = 8;

const ORDER = ['action', 'principal', 'resource'] as const;

type Entry<Policy> = { policy: Policy; scope: Scope; seen: number };

/**
 * Finds the policies whose head may match a request, at a cost that does not grow with those that cannot: a tree over
 * action, principal and resource, keyed by entity and by type. What it returns is a superset; heads are tested after.
 */
export class ScopeIndex<Policy> {
  readonly #root: Node<Policy>;
  #visit = 0;

  constructor(policies: Iterable<{ policy: Policy; scope: Scope }>) {
    this.#root = buildNode(
      Array.from(policies, ({ policy, scope }) => ({ policy, scope, seen: 0 })),
      0,
    );
  }

  /** Adds to `found` each policy that may match, once. */
  candidates(request: Pick<Request, 'principal' | 'action' | 'resource' | 'entities'>, found: Policy[]): void {
    this.#collect(this.#root, request, found, ++this.#visit);
  }

  #collect(
    node: Node<Policy>,
    request: Pick<Request, 'principal' | 'action' | 'resource' | 'entities'>,
    found: Policy[],
    visit: number,
  ): void {
    if (node.kind === 'list') {
      for (const entry of node.entries) {
        // A policy over several actions stands in several lists.
        if (entry.seen === visit) continue;
        entry.seen = visit;
        found.push(entry.policy);
      }
      return;
    }
    const uid = request[node.variable];
    if (node.any !== undefined) this.#collect(node.any, request, found, visit);
    const ofType = node.types.get(uid.type);
    if (ofType !== undefined) this.#collect(ofType, request, found, visit);
    if (node.uids.size === 0) return;
    const own = at(node, uid);
    if (own !== undefined) this.#collect(own, request, found, visit);
    const ancestors = request.entities.get(uid)?.ancestors;
    if (ancestors === undefined) return;
    for (let place = 0; place < ancestors.length; place++) {
      const next = at(node, ancestors[place]!);
      if (next !== undefined) this.#collect(next, request, found, visit);
    }
  }
}

type List<Policy> = { kind: 'list'; entries: readonly Entry<Policy>[] };
type Branch<Policy> = {
  kind: 'branch';
  variable: (typeof ORDER)[number];
  any: Node<Policy> | undefined;
  types: ReadonlyMap<string, Node<Policy>>;
  /** By type, then by id: no key is put together to look one up. */
  uids: ReadonlyMap<string, ReadonlyMap<string, Node<Policy>>>;
};
type Node<Policy> = List<Policy> | Branch<Policy>;

function at<Policy>(node: Branch<Policy>, uid: EntityUid): Node<Policy> | undefined {
  return node.uids.get(uid.type)?.get(uid.id);
}

function buildNode<Policy>(entries: Entry<Policy>[], depth: number): Node<Policy> {
  const variable = ORDER[depth];
  if (entries.length <= FEW || variable === undefined) return { kind: 'list', entries };
  const any: Entry<Policy>[] = [];
  const types = new Map<string, Entry<Policy>[]>();
  const uids = new Map<string, Map<string, Entry<Policy>[]>>();
  for (const entry of entries) {
    const constraint = entry.scope[variable];
    if (constraint.kind === 'any') any.push(entry);
    else if (constraint.kind === 'is') push(types, constraint.type, entry);
    else {
      for (const uid of uidsOf(constraint)) {
        let byId = uids.get(uid.type);
        if (byId === undefined) uids.set(uid.type, (byId = new Map()));
        push(byId, uid.id, entry);
      }
    }
  }
  const build = (part: Entry<Policy>[]) => buildNode(part, depth + 1);
  return {
    kind: 'branch',
    variable,
    any: any.length === 0 ? undefined : build(any),
    types: mapValues(types, build),
    uids: mapValues(uids, (byId) => mapValues(byId, build)),
  };
}

function uidsOf(constraint: Extract<Constraint, { kind: 'equals' | 'in' }>): readonly EntityUid[] {
  return constraint.kind === 'equals' ? [constraint.uid] : constraint.groups;
}

function push<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}

function mapValues<Key, From, To>(map: Map<Key, From>, change: (value: From) => To): Map<Key, To> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
