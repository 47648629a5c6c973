import type { Effect } from './effect.ts';
import type { DecisionFacts } from './decision-facts.ts';
import type { Grant } from './grant.ts';
import type { DecisionOutcome, Reason } from './decision.ts';
import type { JsonObject } from './json.ts';
import type { PromptOrigin } from './task.ts';
import type { Sensitivity } from './sensitivity.ts';

/**
 * One entry of the audit log. Field names are the wire form; an entry of the tree is the RFC 8785 text of it.
 * Times are milliseconds since the epoch. INVARIANT 14: no token, key or captured secret is in any field.
 */
export type LogRecord = DecisionRecord | OutcomeRecord | EventRecord;

type Base = {
  version: 1;
  /** `rec_…` */
  id: string;
  time: number;
};

/** Who was about to do what, under which authority, and what was decided. Durable before the effect (invariant 5). */
export type DecisionRecord = Base & {
  kind: 'decision';
  /** Ties the records of one request together. */
  request: string;
  agent: { id: string; attestation: string } | null;
  delegator: { issuer: string; subject: string; name?: string; groups: string[] } | null;
  /** The acting task first, the root last. */
  chain: { task: string; agent: string }[];
  task: {
    id: string;
    purpose: string;
    sensitivity: Sensitivity;
    origin: PromptOrigin;
    expires_at: number;
  } | null;
  /** The approved scope: the grants of the acting task, beside the exact action. */
  scope: Grant[];
  action: {
    target: string;
    operation: string;
    effect: Effect;
    sensitivity: Sensitivity;
    resources: string[];
    /** Secrets redacted. */
    arguments: JsonObject;
    /** Digest of the arguments as they were, before redaction. */
    arguments_digest: string;
  };
  decision: {
    outcome: DecisionOutcome;
    reasons: Reason[];
    policies: string[];
    policy_set: string;
    controls: string[];
    observed: string[];
    /** Absent when the permit obliges to nothing. */
    obligations?: { max_lifetime_seconds: number };
  };
  /** Whoever asked carries it out, so that no outcome follows. Absent where Remit does. */
  enforced_by?: 'caller';
  /** The approval that this action spent, or for a hold, the one it waits for. */
  approval: { id: string; approvers: string[] } | null;
  /** `jti` of the access token and thumbprint of the key it is bound to; never the token. */
  token: { id: string; key: string } | null;
  /** What else the decision looked at. Absent in records of older versions; `null` for the reason that stands beside. */
  facts?: DecisionFacts | null;
  facts_left_out?: 'too_large';
};

/** What became of a permitted action. */
export type OutcomeRecord = Base & {
  kind: 'outcome';
  /** Id of the decision record. */
  decision: string;
  request: string;
  task: string | null;
  /** `unknown`: the process ended before the target answered; written by the restart. */
  status: 'ok' | 'tool_error' | 'failed' | 'cut' | 'unknown';
  detail?: string;
  /** The action did not happen: what it had taken from budgets was given back with this record. */
  given_back?: true;
  /** Digest of the result as the target gave it. */
  result_digest?: string;
  /** The target's own credential that the request carried: how it is shown, where it is kept and, if counted, which version. */
  credential?: { kind: string; source: string; version: string | null };
  duration_ms: number;
};

/** Something that happened without a decision of its own: an expiry, a changed tool definition, another trust bundle, a refused stranger. */
export type EventRecord = Base & {
  kind: 'event';
  event:
    | 'process.started'
    | 'process.stopped'
    | 'task.ended'
    | 'task.closed'
    | 'access.suspended'
    | 'access.resumed'
    | 'token.revoked'
    | 'agent.registered'
    | 'agent.changed'
    | 'agent.suspended'
    | 'agent.resumed'
    | 'agent.retired'
    | 'approval.expired'
    | 'lease.intended'
    | 'lease.held'
    | 'lease.none'
    | 'lease.doubtful'
    | 'lease.found'
    | 'lease.released'
    | 'lease.discarded'
    | 'lease.revoking'
    | 'lease.asked'
    | 'lease.revoked'
    | 'lease.kept'
    | 'lease.settled'
    | 'lease.overstayed'
    | 'definition.pinned'
    | 'definition.changed'
    | 'key.changed'
    | 'trust_bundle.used'
    | 'policy.published'
    | 'policy.refused'
    | 'policy.distrusted'
    | 'request.refused'
    | 'target.reported';
  subject: JsonObject;
};
