import type { Sha256Hex } from '../core/action.ts';
import type { DecisionInput, DecisionOutcome, Reason } from '../core/decision.ts';
import { recordedObligations } from '../core/decision-record.ts';
import { Conflict } from '../core/errors.ts';
import type { CheckArguments } from '../core/grant.ts';
import type { DecisionRecord } from '../core/record.ts';
import { findUnmappable } from '../pdp/arguments.ts';
import type { Request } from '../pdp/cedar/compile.ts';
import { valueText } from '../pdp/cedar/to-text.ts';
import type { Verdict } from '../pdp/evaluate.ts';
import type { Pdp } from '../pdp/pdp.ts';
import { CedarRequest } from '../pdp/request.ts';
import type { Steps } from '../pdp/steps.ts';
import { tracePolicy, type PolicyTrace } from '../pdp/trace.ts';
import { explainLevels, type LevelExplanation } from './explain-levels.ts';
import { recordedInput, type Doubt } from './recorded-input.ts';

/** What a policy has to do with an outcome. */
export const POLICY_PARTS = ['permits', 'forbids', 'holds', 'lifted', 'fails', 'observed'] as const;
export type PolicyPart = (typeof POLICY_PARTS)[number];

/** One principal on one resource. */
export type EvaluationExplanation = {
  principal: string;
  resource: string;
  outcome: DecisionOutcome;
  /** Those that had a part in it, clause by clause. */
  policies: (PolicyTrace & { part: PolicyPart })[];
  /** Where nothing permits: permits whose head matches, and what kept them from applying; the nearest first. */
  nearest: PolicyTrace[];
};

/** Names are those of the wire. */
export type Explanation = {
  record: string;
  /** As it was decided and written. */
  recorded: { outcome: DecisionOutcome; reasons: Reason[]; policies: string[]; policy_set: string };
  /** The set that it is explained under. */
  policy_set: string;
  same_set: boolean;
  /** What of the record is not as it was when it was decided; the explanation may be off. */
  uncertain: Doubt[];
  outcome: DecisionOutcome;
  reasons: Reason[];
  /** What the permit obliges to, as in a record. */
  obligations?: DecisionRecord['decision']['obligations'];
  /** Whether explained and recorded outcome, policies and obligations are the same. */
  agrees: boolean;
  decided_by: 'checks_before_policy' | 'policy';
  levels: LevelExplanation[];
  /** Empty where policy was not asked. */
  evaluations: EvaluationExplanation[];
};

export type ExplainParts = {
  pdp: Pdp;
  sha256: Sha256Hex;
  checkArguments: CheckArguments;
  /** Whether every member of the record is known here. */
  isKnownForm: (record: DecisionRecord) => boolean;
};

const GAP_TEXT = {
  no_facts: 'it is older than records that hold what a decision looked at',
  facts_too_large: 'what it looked at was too large to be recorded',
  unknown_form: 'another version wrote it, and it holds members that are not known here',
  set_distrusted: 'the policy set was distrusted, so its policies were not asked',
} as const;

/**
 * Decides a recorded decision again under `pdp`, and tells why it comes out so.
 *
 * @throws Conflict for a record that does not hold what its decision was made on.
 */
export function* explainDecision(record: DecisionRecord, parts: ExplainParts): Steps<Explanation> {
  const { pdp } = parts;
  const found = parts.isKnownForm(record)
    ? recordedInput(record, parts.sha256)
    : { exact: false as const, input: null, because: 'unknown_form' as const };
  if (found.input === null) throw new Conflict(`\`${record.id}\` cannot be explained: ${GAP_TEXT[found.because]}`);
  const { input } = found;
  const decision = pdp.decide(input);
  const { outcome, reasons, policies, policy_set: recordedSet } = record.decision;
  const { obligations } = recordedObligations(decision);
  const before = decision.outcome === 'deny' && !POLICY_REASONS.has(decision.reasons[0]!.code);
  return {
    record: record.id,
    recorded: { outcome, reasons, policies, policy_set: recordedSet },
    policy_set: pdp.policySet,
    same_set: pdp.policySet === recordedSet,
    uncertain: found.exact ? [] : found.because,
    outcome: decision.outcome,
    reasons: decision.reasons,
    ...recordedObligations(decision),
    agrees:
      decision.outcome === outcome &&
      decision.policies.join('\n') === policies.join('\n') &&
      obligations?.max_lifetime_seconds === record.decision.obligations?.max_lifetime_seconds,
    decided_by: before ? 'checks_before_policy' : 'policy',
    levels: explainLevels(input, parts.checkArguments),
    evaluations: before ? [] : yield* evaluations(input, pdp),
  };
}

const POLICY_REASONS: ReadonlySet<Reason['code']> = new Set([
  'no_policy',
  'policy_forbids',
  'policy_error',
  'approval_required',
  'policy_permits',
]);

function* evaluations(input: DecisionInput, pdp: Pdp): Steps<EvaluationExplanation[]> {
  const unseen = findUnmappable(input.action.arguments) ?? findUnmappable(input.chain[0]?.task.parameters ?? {});
  if (unseen !== null) return [];
  const { action, context, entities } = new CedarRequest(input);
  const found: EvaluationExplanation[] = [];
  for (const verdict of pdp.verdicts(input)) {
    const request = { principal: verdict.principal!, resource: verdict.resource!, action, context, entities };
    found.push(yield* evaluation(verdict, request, pdp));
  }
  return found;
}

/** How many policies are traced between two places where explaining may be left for other work. */
const STEP = 20;
const NEAREST = 5;

function* evaluation(verdict: Verdict, request: Request, pdp: Pdp): Steps<EvaluationExplanation> {
  const partOf = partsOf(verdict);
  const policies: EvaluationExplanation['policies'] = [];
  const misses: PolicyTrace[] = [];
  const nothingPermits =
    verdict.outcome === 'deny' && verdict.determining.length === 0 && verdict.problems.length === 0;
  let looked = 0;
  for (const policy of pdp.candidates(request)) {
    if (++looked % STEP === 0) yield;
    const part = partOf.get(policy.id);
    if (part === undefined && !(nothingPermits && policy.effect === 'permit' && !policy.observe)) continue;
    const trace = tracePolicy(policy, request);
    if (trace === null) continue;
    if (part === undefined) misses.push(trace);
    else policies.push({ part, ...trace });
  }
  return {
    principal: valueText(request.principal),
    resource: valueText(request.resource),
    outcome: verdict.outcome,
    policies: policies.sort((a, b) => (a.policy < b.policy ? -1 : 1)),
    nearest: misses.sort((a, b) => met(b) - met(a) || (a.policy < b.policy ? -1 : 1)).slice(0, NEAREST),
  };
}

/** What share of a policy's clauses came before the one that stopped it. */
function met({ stopped_by: stoppedBy, clauses }: PolicyTrace): number {
  return (stoppedBy ?? 0) / clauses.length;
}

function partsOf(verdict: Verdict): Map<string, PolicyPart> {
  const parts = new Map<string, PolicyPart>();
  for (const { id, effect } of verdict.determining) parts.set(id, effect === 'permit' ? 'permits' : 'forbids');
  for (const { id } of verdict.held) parts.set(id, verdict.outcome === 'permit' ? 'lifted' : 'holds');
  for (const { id } of verdict.observed) parts.set(id, 'observed');
  for (const { policy } of verdict.problems) if (policy !== null) parts.set(policy.id, 'fails');
  return parts;
}
