import type { Steps } from '../steps.ts';
import type { Request } from './compile.ts';
import type { Constraint, Scope, Variable } from './scope.ts';
import type { EntityUid } from './value.ts';

/** Policies that few share a list; more are told apart by the next variable of their heads. */
const FEW = 8;

const ORDER: readonly Variable[] = ['action', 'principal', 'resource'];

/** How many policies are put in their place between two places where building may be left. */
const STEP = 500;

/** `found` makes what a search finds here, told which variables of the head the way here has tested already. */
export type Entry<Policy> = { scope: Scope; found: (tested: readonly Variable[]) => Policy };

/** An entry on its way into the tree; `seen` is the last search that found it. */
type Placed<Policy> = {
  scope: Scope;
  found: Entry<Policy>['found'];
  tested: readonly Variable[];
  mark: { seen: number };
};

/** What is asked of the index. `resource` is `null` where it is not known yet: then all that it could be may match. */
export type Wanted = Pick<Request, 'principal' | 'action' | 'entities'> & { resource: EntityUid | null };

/**
 * Finds the policies whose head may match a request, at a cost that does not grow with those that cannot: a tree over
 * action, principal and resource, keyed by entity and by type. What it returns is a superset: of a head, what the way
 * through the tree has not tested is to be tested after.
 */
export class ScopeIndex<Policy> {
  readonly #root: Node<Policy>;
  #visit = 0;

  private constructor(root: Node<Policy>) {
    this.#root = root;
  }

  static *build<Policy>(policies: Iterable<Entry<Policy>>): Steps<ScopeIndex<Policy>> {
    const entries = Array.from(policies, ({ scope, found }) => ({ scope, found, tested: [], mark: { seen: 0 } }));
    return new ScopeIndex(yield* buildNode(entries, 0, { placed: 0 }));
  }

  /** Calls `each` for each policy that may match, once. */
  search(wanted: Wanted, each: (policy: Policy) => void): void {
    this.#search(this.#root, wanted, each, ++this.#visit);
  }

  #search(node: Node<Policy>, wanted: Wanted, each: (policy: Policy) => void, visit: number): void {
    if (node.kind === 'list') {
      for (let place = 0; place < node.items.length; place++) {
        const { mark, policy } = node.items[place]!;
        // A policy over several actions stands in several lists.
        if (mark.seen === visit) continue;
        mark.seen = visit;
        each(policy);
      }
      return;
    }
    if (node.any !== undefined) this.#search(node.any, wanted, each, visit);
    const { variable } = node;
    const uid = variable === 'action' ? wanted.action : variable === 'principal' ? wanted.principal : wanted.resource;
    if (uid === null) {
      for (const next of node.types.values()) this.#search(next, wanted, each, visit);
      for (const byId of node.uids.values()) {
        for (const next of byId.values()) this.#search(next, wanted, each, visit);
      }
      return;
    }
    const ofType = node.types.get(uid.type);
    if (ofType !== undefined) this.#search(ofType, wanted, each, visit);
    if (node.uids.size === 0) return;
    const own = node.uids.get(uid.type)?.get(uid.id);
    if (own !== undefined) this.#search(own, wanted, each, visit);
    const ancestors = wanted.entities.get(uid)?.ancestors;
    if (ancestors === undefined) return;
    let type: string | undefined;
    let byId: ReadonlyMap<string, Node<Policy>> | undefined;
    for (let place = 0; place < ancestors.length; place++) {
      const ancestor = ancestors[place]!;
      // Ancestors mostly are of one type.
      if (ancestor.type !== type) byId = node.uids.get((type = ancestor.type));
      const next = byId?.get(ancestor.id);
      if (next !== undefined) this.#search(next, wanted, each, visit);
    }
  }
}

type List<Policy> = { kind: 'list'; items: readonly { mark: { seen: number }; policy: Policy }[] };
type Branch<Policy> = {
  kind: 'branch';
  variable: Variable;
  any: Node<Policy> | undefined;
  types: ReadonlyMap<string, Node<Policy>>;
  /** By type, then by id: no key is put together to look one up. */
  uids: ReadonlyMap<string, ReadonlyMap<string, Node<Policy>>>;
};
type Node<Policy> = List<Policy> | Branch<Policy>;

function* buildNode<Policy>(
  entries: Placed<Policy>[],
  depth: number,
  progress: { placed: number },
): Steps<Node<Policy>> {
  progress.placed += entries.length;
  if (progress.placed > STEP) {
    progress.placed = 0;
    yield;
  }
  const variable = ORDER[depth];
  if (entries.length <= FEW || variable === undefined) return listOf(entries);
  // A variable that no head speaks of tells nothing apart.
  if (entries.every(({ scope }) => scope[variable].kind === 'any'))
    return yield* buildNode(entries, depth + 1, progress);
  const any: Placed<Policy>[] = [];
  const types = new Map<string, Placed<Policy>[]>();
  const uids = new Map<string, Map<string, Placed<Policy>[]>>();
  for (const entry of entries) {
    const constraint = entry.scope[variable];
    if (constraint.kind === 'any') any.push(entry);
    else if (constraint.kind === 'is') push(types, constraint.type, tested(entry, variable));
    else {
      // The way to an entity is also taken by what is in it, which `==` does not mean; and it does not test the type.
      const exact = constraint.kind === 'in' && constraint.type === undefined;
      const placed = exact ? tested(entry, variable) : entry;
      for (const uid of uidsOf(constraint)) {
        let byId = uids.get(uid.type);
        if (byId === undefined) uids.set(uid.type, (byId = new Map()));
        push(byId, uid.id, placed);
      }
    }
  }
  const nodes = new Map<string, Map<string, Node<Policy>>>();
  for (const [type, byId] of uids) nodes.set(type, yield* buildNodes(byId, depth + 1, progress));
  return {
    kind: 'branch',
    variable,
    any: any.length === 0 ? undefined : yield* buildNode(any, depth + 1, progress),
    types: yield* buildNodes(types, depth + 1, progress),
    uids: nodes,
  };
}

function listOf<Policy>(entries: readonly Placed<Policy>[]): List<Policy> {
  return { kind: 'list', items: entries.map(({ mark, found, tested }) => ({ mark, policy: found(tested) })) };
}

function tested<Policy>(entry: Placed<Policy>, variable: Variable): Placed<Policy> {
  return { ...entry, tested: [...entry.tested, variable] };
}

function* buildNodes<Policy>(
  lists: ReadonlyMap<string, Placed<Policy>[]>,
  depth: number,
  progress: { placed: number },
): Steps<Map<string, Node<Policy>>> {
  const nodes = new Map<string, Node<Policy>>();
  for (const [key, entries] of lists) nodes.set(key, yield* buildNode(entries, depth, progress));
  return nodes;
}

function uidsOf(constraint: Extract<Constraint, { kind: 'equals' | 'in' }>): readonly EntityUid[] {
  return constraint.kind === 'equals' ? [constraint.uid] : constraint.groups;
}

function push<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}
