import type { Steps } from '../steps.ts';
import type { Request } from './compile.ts';
import type { Constraint, Scope } from './scope.ts';
import type { EntityUid } from './value.ts';

/** Policies that few share a list; more are told apart by the next variable of their heads. */
const FEW = 8;

const ORDER = ['action', 'principal', 'resource'] as const;

/** How many policies are put in their place between two places where building may be left. */
const STEP = 500;

type Entry<Policy> = { policy: Policy; scope: Scope; seen: number };

/** What is asked of the index. `resource` is `null` where it is not known yet: then all that it could be may match. */
export type Wanted = Pick<Request, 'principal' | 'action' | 'entities'> & { resource: EntityUid | null };

/**
 * Finds the policies whose head may match a request, at a cost that does not grow with those that cannot: a tree over
 * action, principal and resource, keyed by entity and by type. What it returns is a superset; heads are tested after.
 */
export class ScopeIndex<Policy> {
  readonly #root: Node<Policy>;
  #visit = 0;

  private constructor(root: Node<Policy>) {
    this.#root = root;
  }

  static *build<Policy>(policies: Iterable<{ policy: Policy; scope: Scope }>): Steps<ScopeIndex<Policy>> {
    const entries = Array.from(policies, ({ policy, scope }) => ({ policy, scope, seen: 0 }));
    return new ScopeIndex(yield* buildNode(entries, 0, { placed: 0 }));
  }

  /** Adds to `found` each policy that may match, once. */
  candidates(wanted: Wanted, found: Policy[]): void {
    this.#collect(this.#root, wanted, found, ++this.#visit);
  }

  #collect(node: Node<Policy>, wanted: Wanted, found: Policy[], visit: number): void {
    if (node.kind === 'list') {
      for (const entry of node.entries) {
        // A policy over several actions stands in several lists.
        if (entry.seen === visit) continue;
        entry.seen = visit;
        found.push(entry.policy);
      }
      return;
    }
    if (node.any !== undefined) this.#collect(node.any, wanted, found, visit);
    const uid = wanted[node.variable];
    if (uid === null) {
      for (const next of node.types.values()) this.#collect(next, wanted, found, visit);
      for (const byId of node.uids.values()) {
        for (const next of byId.values()) this.#collect(next, wanted, found, visit);
      }
      return;
    }
    const ofType = node.types.get(uid.type);
    if (ofType !== undefined) this.#collect(ofType, wanted, found, visit);
    if (node.uids.size === 0) return;
    const own = at(node, uid);
    if (own !== undefined) this.#collect(own, wanted, found, visit);
    const ancestors = wanted.entities.get(uid)?.ancestors;
    if (ancestors === undefined) return;
    for (let place = 0; place < ancestors.length; place++) {
      const next = at(node, ancestors[place]!);
      if (next !== undefined) this.#collect(next, wanted, found, visit);
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

function* buildNode<Policy>(
  entries: Entry<Policy>[],
  depth: number,
  progress: { placed: number },
): Steps<Node<Policy>> {
  progress.placed += entries.length;
  if (progress.placed > STEP) {
    progress.placed = 0;
    yield;
  }
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

function* buildNodes<Policy>(
  lists: ReadonlyMap<string, Entry<Policy>[]>,
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
