import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Decision, DecisionInput } from '../../core/decision.ts';
import { compileTest, type Request, type Test } from '../../pdp/cedar/compile.ts';
import { operands, operatorOf } from '../../pdp/cedar/expression.ts';
import { uidOf } from '../../pdp/cedar/literal.ts';
import { scopeOf, scopeTests } from '../../pdp/cedar/scope.ts';
import { EvaluationError } from '../../pdp/cedar/value.ts';
import type { Pdp } from '../../pdp/pdp.ts';
import type { Policy } from '../../pdp/policy-set.ts';
import { CedarRequest } from '../../pdp/request.ts';
import { inputOf } from './draft.ts';
import { draftAt, type Facet, type Point } from './facets.ts';

export type Side = { pdp: Pdp; policies: readonly Policy[] };

/** A policy that is in one of the sets only. */
export type Changed = { policy: Policy; side: 'before' | 'after' };

/** A request that the two sets decide otherwise. */
export type Found = { point: Point; input: DecisionInput; before: Decision; after: Decision };

type Move = { facet: number; choice: number };

/** A policy that is to apply, a permit that is to stand behind it, and the set in which nothing else is to be in the way. */
type Aim = { target: Probe; companion: Probe; decides: Side };

/** How many requests are decided between two places where the search may be left for other work. */
const STEP = 200;
const PASSES = 4;
/** So many permits are tried as what stands behind one forbid. */
const MOST_COMPANIONS = 40;
const MOST_MOVES = 600;
const FIRST_CHOICES = 4;

/**
 * Looks for requests that `before` and `after` decide otherwise: for each policy that is in one set only, a request to
 * which it applies and which something else would permit, climbed to one facet at a time; around that, each other choice
 * of one facet and of two; then, with what is left of the budget, requests at random. The same sets give the same requests.
 */
export class Search {
  readonly #facets: readonly Facet[];
  readonly #before: Side;
  readonly #after: Side;
  readonly #budget: number;
  readonly #seen = new Set<string>();
  readonly #isOtherwise: (before: Decision, after: Decision) => boolean;
  readonly #mentionedIn: (policies: readonly Policy[]) => Iterable<string>;
  /** So many requests were decided by both sets. */
  requests = 0;
  /** Changed policies for which no request was made up to which they apply. */
  readonly unreached: Policy[] = [];
  #climbed = 0;

  constructor(
    facets: readonly Facet[],
    sides: { before: Side; after: Side },
    options: {
      budget: number;
      isOtherwise: (before: Decision, after: Decision) => boolean;
      /** The choices that these policies alone would make, as `facet: label`. */
      mentionedIn: (policies: readonly Policy[]) => Iterable<string>;
    },
  ) {
    this.#facets = facets;
    this.#before = sides.before;
    this.#after = sides.after;
    this.#budget = options.budget;
    this.#isOtherwise = options.isOtherwise;
    this.#mentionedIn = options.mentionedIn;
  }

  *run(changed: readonly Changed[]): Generator<Found | undefined, void> {
    for (const [place, each] of changed.entries()) {
      // What one policy does not use of its share is the next ones'.
      const share = (spent: number) => spent + Math.floor((this.#budget * 0.8 - spent) / (changed.length - place));
      const until = share(this.requests);
      let reached = false;
      for (const { point, applies, moves } of this.#bases(each, share(this.#climbed))) {
        reached ||= applies;
        yield* this.#look(point);
        yield* this.#around(point, moves, until);
      }
      if (!reached) this.unreached.push(each.policy);
    }
    const random = randomFrom(changed.length + 1);
    for (let tries = 0; this.requests < this.#budget && tries < this.#budget; tries++) {
      const point = this.#facets.map(({ choices }) => (random() < 0.5 ? 0 : Math.floor(random() * choices.length)));
      yield* this.#look(point);
    }
  }

  /** The same with as few facets out of the plain as keep the difference of the same kind. */
  smallest(found: Found, sameKind: (other: Found) => boolean): Found {
    let least = found;
    for (let facet = 0; facet < this.#facets.length; facet++) {
      if (least.point[facet] === 0) continue;
      const other = this.#decide(least.point.with(facet, 0));
      if (this.#isOtherwise(other.before, other.after) && sameKind(other)) least = other;
    }
    return least;
  }

  #decide(point: Point): Found {
    this.requests += 1;
    const input = inputOf(draftAt(this.#facets, point));
    return { point, input, before: this.#before.pdp.decide(input), after: this.#after.pdp.decide(input) };
  }

  *#look(point: Point): Generator<Found | undefined, void> {
    const key = point.join();
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const found = this.#decide(point);
    if (this.#isOtherwise(found.before, found.after)) yield found;
    else if (this.requests % STEP === 0) yield undefined;
  }

  /** Points at which the policy applies, as far as that is found, each with another permit behind it. */
  *#bases(
    { policy, side }: Changed,
    until: number,
  ): Generator<{ point: Point; applies: boolean; moves: Move[] }, void> {
    const own = side === 'before' ? this.#before : this.#after;
    const other = side === 'before' ? this.#after : this.#before;
    const target = new Probe(policy);
    const permits = other.policies.filter(({ effect, observe }) => effect === 'permit' && !observe);
    const behind = policy.effect === 'permit' ? [policy] : permits.slice(0, MOST_COMPANIONS);
    // A permit decides in its own set; what a forbid forbids has to be permitted without it.
    const decides = policy.effect === 'permit' ? own : other;
    const known = new Set<string>();
    for (const companion of behind) {
      const aim = { target, companion: new Probe(companion), decides };
      const { moves, mentioned } = this.#movesFor([policy, companion]);
      const near = this.#climb(
        this.#facets.map(() => 0),
        aim,
        { moves: moves.slice(0, mentioned), until },
      );
      // Beyond so many choices a climb looks at those that come first.
      const point = this.#climb(near, aim, { moves: moves.slice(0, MOST_MOVES), until });
      if (known.has(point.join())) continue;
      known.add(point.join());
      const applies = target.met(new CedarRequest(inputOf(draftAt(this.#facets, point)))) === 1;
      yield { point, applies, moves };
    }
  }

  /** Every choice, first those that the policies mention, then the first of each facet. */
  #movesFor(policies: readonly Policy[]): { moves: Move[]; mentioned: number } {
    const named = new Set(this.#mentionedIn(policies));
    const rank = ({ facet, choice }: Move) => {
      const { name, choices } = this.#facets[facet]!;
      if (named.has(`${name}: ${choices[choice]!.label}`)) return 0;
      return choice < FIRST_CHOICES ? 1 : 2;
    };
    const moves = this.#facets.flatMap(({ choices }, facet) =>
      choices.map((_choice, choice): Move => ({ facet, choice })),
    );
    const ranked = moves.map((move) => ({ move, rank: rank(move) })).toSorted((a, b) => a.rank - b.rank);
    return { moves: ranked.map(({ move }) => move), mentioned: ranked.filter((each) => each.rank === 0).length };
  }

  #climb(from: Point, aim: Aim, { moves, until }: { moves: readonly Move[]; until: number }): Point {
    let best = from;
    let value = this.#worth(best, aim);
    for (let pass = 0; pass < PASSES; pass++) {
      const before = value;
      for (const { facet, choice } of moves) {
        if (choice === best[facet]) continue;
        if (this.#climbed >= until) return best;
        const point = best.with(facet, choice);
        const worth = this.#worth(point, aim);
        if (worth > value) [best, value] = [point, worth];
      }
      if (value === before) break;
    }
    return best;
  }

  /** How near a point is to one where the target applies, its companion does, and nothing else stands in the way. */
  #worth(point: Point, aim: Aim): number {
    this.#climbed += 1;
    const input = inputOf(draftAt(this.#facets, point));
    const request = new CedarRequest(input);
    let standing = 0;
    for (const { outcome, determining, problems } of aim.decides.pdp.verdicts(input)) {
      if (outcome !== 'deny') standing += outcome === 'permit' ? 3 : 2;
      else standing -= determining.length + problems.length;
    }
    const early = aim.decides.pdp.decide(input).policies.length === 0 ? -1 : 0;
    return 1000 * aim.target.met(request) + 200 * aim.companion.met(request) + standing + early;
  }

  /** Each other choice of one facet, and of two. */
  *#around(base: Point, all: readonly Move[], until: number): Generator<Found | undefined, void> {
    const moves = all.filter(({ facet, choice }) => choice !== base[facet]);
    for (const { facet, choice } of moves) {
      if (this.requests >= until) return;
      yield* this.#look(base.with(facet, choice));
    }
    for (const { facet, choice } of moves) {
      const once = base.with(facet, choice);
      for (const second of moves) {
        // Each two once: which of them comes first is of no matter.
        if (second.facet === facet) continue;
        if (this.requests >= until) return;
        yield* this.#look(once.with(second.facet, second.choice));
      }
    }
  }
}

/** One policy taken apart, to tell how much of it a request meets. */
class Probe {
  readonly #tests: { test: Test; wanted: boolean }[];

  constructor(policy: Policy) {
    const json = JSON.parse(policy.json) as PolicyJson;
    const slots = Object.entries(policy.slots ?? {}).map(([slot, uid]) => [slot, uidOf(uid)] as const);
    const head = scopeTests(scopeOf(json, Object.fromEntries(slots))).map((test) => ({ test, wanted: true }));
    const conditions = json.conditions.flatMap(({ kind, body }) => {
      const wanted = kind === 'when';
      const joined = wanted ? '&&' : '||';
      const parts = operatorOf(body).name === joined ? operands(body, joined) : [body];
      return parts.map((part) => ({ test: compileTest(part), wanted }));
    });
    this.#tests = [...head, ...conditions];
  }

  /** The share that holds, for the principal and resource for which most does. */
  met({ principals, resources, action, context, entities }: CedarRequest): number {
    let most = 0;
    for (const principal of principals) {
      for (const resource of resources) {
        const request: Request = { principal, resource, action, context, entities };
        const held = this.#tests.filter(({ test, wanted }) => holds(test, request) === wanted).length;
        most = Math.max(most, this.#tests.length === 0 ? 1 : held / this.#tests.length);
      }
    }
    return most;
  }
}

function holds(test: Test, request: Request): boolean | null {
  try {
    return test(request);
  } catch (error) {
    if (error instanceof EvaluationError) return null;
    throw error;
  }
}

/** Numbers from 0 to 1, always the same ones (Mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
