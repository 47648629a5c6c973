import { z } from 'zod';
import { EFFECTS } from '../core/effect.ts';
import type { Reason } from '../core/decision.ts';
import type { LogRecord } from '../core/record.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { grantForm, originForm } from '../task/task-request.ts';

/** The form of a record of the audit log, for schema/record.schema.json. A test holds it to `LogRecord`. */

const base = {
  version: z.literal(1),
  id: z.string(),
  /** Milliseconds since the epoch. */
  time: z.number().int(),
};

const json = z.record(z.string(), z.json());

const REASON_CODES = [
  'stale_view',
  'unknown_operation',
  'unresolved_resource',
  'target_unavailable',
  'quarantined_operation',
  'task_not_live',
  'outside_grant',
  'over_sensitivity',
  'over_budget',
  'no_policy',
  'policy_forbids',
  'policy_error',
  'approval_required',
  'policy_permits',
] as const satisfies Reason['code'][];

const decisionRecordForm = z.strictObject({
  ...base,
  kind: z.literal('decision'),
  request: z.string(),
  agent: z.strictObject({ id: z.string(), attestation: z.string() }).nullable(),
  delegator: z
    .strictObject({
      issuer: z.string(),
      subject: z.string(),
      name: z.string().optional(),
      groups: z.array(z.string()),
    })
    .nullable(),
  chain: z.array(z.strictObject({ task: z.string(), agent: z.string() })),
  task: z
    .strictObject({
      id: z.string(),
      purpose: z.string(),
      sensitivity: z.enum(SENSITIVITIES),
      origin: originForm,
      expires_at: z.number().int(),
    })
    .nullable(),
  scope: z.array(grantForm.extend({ type: z.literal('remit_grant'), arguments: json.optional() })),
  action: z.strictObject({
    target: z.string(),
    operation: z.string(),
    effect: z.enum(EFFECTS),
    sensitivity: z.enum(SENSITIVITIES),
    resources: z.array(z.string()),
    arguments: json,
    arguments_digest: z.string(),
  }),
  decision: z.strictObject({
    outcome: z.enum(['permit', 'deny', 'hold']),
    reasons: z.array(z.strictObject({ code: z.enum(REASON_CODES), message: z.string(), next: z.string().optional() })),
    policies: z.array(z.string()),
    policy_set: z.string(),
    controls: z.array(z.string()),
    observed: z.array(z.string()),
  }),
  approval: z.strictObject({ id: z.string(), approvers: z.array(z.string()) }).nullable(),
  token: z.strictObject({ id: z.string(), key: z.string() }).nullable(),
});

const outcomeRecordForm = z.strictObject({
  ...base,
  kind: z.literal('outcome'),
  decision: z.string(),
  request: z.string(),
  task: z.string().nullable(),
  status: z.enum(['ok', 'tool_error', 'failed', 'cut', 'unknown']),
  detail: z.string().optional(),
  result_digest: z.string().optional(),
  duration_ms: z.number(),
});

const eventRecordForm = z.strictObject({
  ...base,
  kind: z.literal('event'),
  event: z.enum([
    'process.started',
    'process.stopped',
    'task.ended',
    'approval.expired',
    'definition.pinned',
    'definition.changed',
    'request.refused',
  ]),
  subject: json,
});

export const recordForm = z.discriminatedUnion('kind', [decisionRecordForm, outcomeRecordForm, eventRecordForm]);

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Holds<Truth extends true> = Truth;

/** Form and type each take all that the other takes. Changing one alone does not compile. */
export type RecordFormIsLogRecord = Holds<Same<z.output<typeof recordForm>, LogRecord>>;
