import type { Sha256Hex } from '../core/action.ts';
import type { Decision, DecisionOutcome, Reason } from '../core/decision.ts';
import type { DecisionRecord, LogRecord } from '../core/record.ts';
import type { Pdp } from '../pdp/pdp.ts';
import { gravity } from './flip.ts';
import { recordedInput, type Doubt, type Gap } from './recorded-input.ts';

/** One recorded decision that a draft would make otherwise. */
export type FlipExample = {
  record: string;
  /** Milliseconds since the epoch. */
  time: number;
  agent: string | null;
  delegator: { issuer: string; subject: string; name?: string } | null;
  /** The agents of the chain, the acting one first. */
  chain: string[];
  task: string | null;
  resources: string[];
  recorded: { reasons: Reason[]; policies: string[] };
  draft: { reasons: Reason[]; policies: string[] };
};

/** Flips of one kind: the same change, for the same cause in the draft, of the same operation. */
export type FlipGroup = {
  from: DecisionOutcome;
  to: DecisionOutcome;
  target: string;
  operation: string;
  /** Ids of the draft's policies that determine the outcome; where none did, the codes of its reasons. */
  because: string[];
  count: number;
  /** Of these, decided under another policy set than `current`: they may have changed before this draft. */
  underOtherSets: number;
  /** The first in the order of the log. */
  example: FlipExample;
};

export type Compared = {
  unchanged: number;
  flipped: number;
  /** The gravest first. */
  groups: FlipGroup[];
};

export type ReplayReport = {
  draft: string;
  /** The policy set that is in force: what was given, or that of the newest decision. */
  current: string | null;
  decisions: number;
  /** Computed again from exactly what the decision was made on. */
  exact: Compared;
  /** Computed from what the record still shows; `because` counts what it no longer does. */
  uncertain: Compared & { because: Partial<Record<Doubt, number>> };
  /** Not computed at all. */
  unreplayable: Partial<Record<Gap, number>>;
};

export type ReplayParts = {
  draft: Pdp;
  /** Hash of the policy set in force; without it, that of the newest decision. */
  current?: string;
  sha256: Sha256Hex;
  /** Whether every member of the record is known here: one that is not may have been decided on. */
  isKnownForm: (record: DecisionRecord) => boolean;
};

/**
 * Decides each recorded decision again by the draft and tells what would come out otherwise. Each stands alone: a task
 * that the draft would have refused is still there for its calls, and an approval that was given is given.
 */
export async function replay(
  records: AsyncIterable<LogRecord> | Iterable<LogRecord>,
  parts: ReplayParts,
): Promise<ReplayReport> {
  const exact = new Comparison();
  const uncertain = new Comparison();
  const doubts: Partial<Record<Doubt, number>> = {};
  const gaps: Partial<Record<Gap, number>> = {};
  let decisions = 0;
  let newest: string | null = null;
  for await (const record of records) {
    if (record.kind !== 'decision') continue;
    decisions += 1;
    newest = record.decision.policy_set;
    const recorded = parts.isKnownForm(record)
      ? recordedInput(record, parts.sha256)
      : { exact: false as const, input: null, because: 'unknown_form' as const };
    if (recorded.input === null) {
      count(gaps, recorded.because);
      continue;
    }
    const decision = parts.draft.decide(recorded.input);
    if (recorded.exact) {
      exact.add(record, decision);
    } else {
      for (const doubt of recorded.because) count(doubts, doubt);
      uncertain.add(record, decision);
    }
  }
  const current = parts.current ?? newest;
  return {
    draft: parts.draft.policySet,
    current,
    decisions,
    exact: exact.result(current),
    uncertain: { ...uncertain.result(current), because: doubts },
    unreplayable: gaps,
  };
}

type Tally = Omit<FlipGroup, 'underOtherSets'> & { bySet: Map<string, number> };

class Comparison {
  #unchanged = 0;
  readonly #groups = new Map<string, Tally>();

  add(record: DecisionRecord, draft: Decision): void {
    const from = record.decision.outcome;
    if (from === draft.outcome) {
      this.#unchanged += 1;
      return;
    }
    const { target, operation } = record.action;
    const because = draft.policies.length > 0 ? draft.policies : [...new Set(draft.reasons.map(({ code }) => code))];
    const key = JSON.stringify([from, draft.outcome, target, operation, because]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const example = exampleOf(record, draft);
      group = { from, to: draft.outcome, target, operation, because, count: 0, example, bySet: new Map() };
      this.#groups.set(key, group);
    }
    group.count += 1;
    const set = record.decision.policy_set;
    group.bySet.set(set, (group.bySet.get(set) ?? 0) + 1);
  }

  result(current: string | null): Compared {
    const groups = [...this.#groups.values()].sort(bySeverity).map(({ bySet, example, ...group }) => ({
      ...group,
      underOtherSets: group.count - (current === null ? 0 : (bySet.get(current) ?? 0)),
      example,
    }));
    return { unchanged: this.#unchanged, flipped: groups.reduce((sum, group) => sum + group.count, 0), groups };
  }
}

function exampleOf(record: DecisionRecord, draft: Decision): FlipExample {
  const { agent, delegator, chain, task, action, decision } = record;
  return {
    record: record.id,
    time: record.time,
    agent: agent?.id ?? null,
    delegator:
      delegator === null
        ? null
        : {
            issuer: delegator.issuer,
            subject: delegator.subject,
            ...(delegator.name === undefined ? {} : { name: delegator.name }),
          },
    chain: chain.map((level) => level.agent),
    task: task?.id ?? null,
    resources: action.resources,
    recorded: { reasons: decision.reasons, policies: decision.policies },
    draft: { reasons: draft.reasons, policies: draft.policies },
  };
}

/** The order of equals is by name, so that two runs over one log print the same. */
function bySeverity(a: Tally, b: Tally): number {
  const name = (group: Tally) => JSON.stringify([group.target, group.operation, group.because]);
  return gravity(a) - gravity(b) || b.count - a.count || (name(a) < name(b) ? -1 : 1);
}

function count<Name extends string>(counts: Partial<Record<Name, number>>, name: Name): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
