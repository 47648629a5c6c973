import { z } from 'zod';
import { ARGUMENT_ORIGINS, SOURCE_NOTES } from '../core/action.ts';
import { AGENT_STATES } from '../core/agent.ts';
import { REDACTED_FACTS } from '../core/decision-facts.ts';
import { EFFECTS } from '../core/effect.ts';
import type { Reason } from '../core/decision.ts';
import type { LogRecord } from '../core/record.ts';
import { LEASE_KINDS, LEASE_STATES } from '../core/lease.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { SUSPENSION_KINDS } from '../core/suspension.ts';
import { TASK_STATES } from '../core/task.ts';
import { limitsForm, usedLimitsForm } from './budget-form.ts';
import { scheduleForm } from '../task/window-form.ts';
import { grantForm } from '../task/grant-form.ts';
import { originForm } from '../task/prompt-origin.ts';

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
  'suspended',
  'unknown_operation',
  'unresolved_resource',
  'target_unavailable',
  'unproven_subject',
  'quarantined_operation',
  'task_not_live',
  'agent_not_active',
  'outside_grant',
  'lease_not_usable',
  'over_sensitivity',
  'over_budget',
  'uncountable_amount',
  'no_policy',
  'policy_forbids',
  'policy_error',
  'policy_set_distrusted',
  'approval_required',
  'policy_permits',
] as const satisfies Reason['code'][];

const grantsForm = z.array(grantForm.extend({ type: z.literal('remit_grant'), arguments: json.optional() }));

const strength = {
  email: z.string().optional(),
  acr: z.string().optional(),
  amr: z.array(z.string()).optional(),
  auth_time: z.number().optional(),
};

const personForm = z.strictObject({
  issuer: z.string(),
  subject: z.string(),
  name: z.string().optional(),
  groups: z.array(z.string()),
  ...strength,
});

const profileFactsForm = z.strictObject({
  name: z.string(),
  version: z.number().int(),
  digest: z.string(),
  hop_approval: z.array(z.string()).optional(),
  automated: z.literal(true).optional(),
});

const levelForm = z.strictObject({
  trust_domain: z.string(),
  state: z.enum(TASK_STATES),
  created_at: z.number().int(),
  not_before: z.number().int(),
  expires_at: z.number().int().optional(),
  purpose: z.string().optional(),
  sensitivity: z.enum(SENSITIVITIES).optional(),
  origin: originForm.optional(),
  grant: grantsForm.optional(),
  delegator: personForm.optional(),
  parameters: json,
  calls: z.strictObject({ budget: z.number().int(), used: z.number().int() }),
  limits: limitsForm.optional(),
  used: usedLimitsForm.optional(),
  max_hops: z.number().int(),
  profile: profileFactsForm.optional(),
  schedules: z.array(scheduleForm).optional(),
  labels: z.array(z.string()).optional(),
  done: z
    .record(
      z.string(),
      z.strictObject({
        effect: z.enum(EFFECTS),
        times: z.number().int(),
        succeeded: z.number().int(),
        first_at: z.number().int(),
        last_at: z.number().int(),
      }),
    )
    .optional(),
});

const undescribedForm = z.strictObject({
  code: z.enum(['unresolved_resource', 'target_unavailable', 'unproven_subject']),
  message: z.string(),
  next: z.string(),
});

const namedLeaseForm = z.strictObject({
  task: z.string(),
  target: z.string(),
  operation: z.string(),
  kind: z.enum(LEASE_KINDS),
  state: z.enum(LEASE_STATES),
  usable_at: z.array(z.string()),
  made_at: z.number().int(),
});

const agentFactsForm = z.strictObject({
  trust_domain: z.string(),
  groups: z.array(z.string()).optional(),
  state: z.enum([...AGENT_STATES, 'unregistered']).optional(),
  owner: z
    .union([z.strictObject({ issuer: z.string(), subject: z.string() }), z.strictObject({ group: z.string() })])
    .optional(),
});

const originsForm = z.array(z.enum(ARGUMENT_ORIGINS)).readonly();

const factsForm = z.strictObject({
  fresh: z.boolean(),
  agent: agentFactsForm.nullable(),
  delegator: z.strictObject(strength).nullable(),
  chain: z.array(levelForm),
  action: z.strictObject({
    protocol: z.boolean(),
    definition: z.enum(['builtin', 'pinned', 'quarantined', 'unknown']),
    undescribed: undescribedForm.optional(),
    provenance: z.record(z.string(), z.enum(ARGUMENT_ORIGINS)).optional(),
    sources: z
      .array(
        z.strictObject({
          path: z.string(),
          origin: z.enum(ARGUMENT_ORIGINS),
          seen: z.array(z.strictObject({ id: z.string(), origin: z.enum(ARGUMENT_ORIGINS) })).readonly(),
          because: z.enum(SOURCE_NOTES).optional(),
        }),
      )
      .readonly()
      .optional(),
    leases: z.array(z.strictObject({ id: z.string(), lease: namedLeaseForm.nullable() })).optional(),
    flow: z
      .strictObject({
        targets: originsForm,
        addresses: originsForm,
        settings: originsForm,
        content: originsForm,
        links: originsForm,
      })
      .optional(),
  }),
  token: z
    .strictObject({
      issued_at: z.number().int(),
      binding: z.enum(['dpop', 'mtls']),
      narrowed_to: grantsForm.optional(),
    })
    .nullable(),
  approval: z.strictObject({ id: z.string(), approvers: z.array(personForm) }).nullable(),
  approval_point: z.strictObject({ profile: z.string(), rules: z.array(z.string()) }).optional(),
  suspended: z
    .strictObject({
      kind: z.enum(SUSPENSION_KINDS),
      id: z.string(),
      since: z.number().int(),
      by: z.string(),
      reason: z.string(),
    })
    .optional(),
  redacted: z.array(z.enum(REDACTED_FACTS)),
});

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
  scope: grantsForm,
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
    obligations: z.strictObject({ max_lifetime_seconds: z.number().int() }).optional(),
  }),
  enforced_by: z.literal('caller').optional(),
  approval: z.strictObject({ id: z.string(), approvers: z.array(z.string()) }).nullable(),
  token: z.strictObject({ id: z.string(), key: z.string() }).nullable(),
  facts: factsForm.nullable().optional(),
  facts_left_out: z.literal('too_large').optional(),
});

const outcomeRecordForm = z.strictObject({
  ...base,
  kind: z.literal('outcome'),
  decision: z.string(),
  request: z.string(),
  task: z.string().nullable(),
  status: z.enum(['ok', 'tool_error', 'failed', 'cut', 'unknown']),
  detail: z.string().optional(),
  given_back: z.literal(true).optional(),
  result_digest: z.string().optional(),
  credential: z.strictObject({ kind: z.string(), source: z.string(), version: z.string().nullable() }).optional(),
  duration_ms: z.number(),
});

const eventRecordForm = z.strictObject({
  ...base,
  kind: z.literal('event'),
  event: z.enum([
    'process.started',
    'process.stopped',
    'task.ended',
    'task.closed',
    'access.suspended',
    'access.resumed',
    'token.revoked',
    'agent.registered',
    'agent.changed',
    'agent.suspended',
    'agent.resumed',
    'agent.retired',
    'approval.expired',
    'lease.intended',
    'lease.held',
    'lease.none',
    'lease.doubtful',
    'lease.found',
    'lease.released',
    'lease.discarded',
    'lease.revoking',
    'lease.asked',
    'lease.revoked',
    'lease.kept',
    'lease.settled',
    'lease.overstayed',
    'definition.pinned',
    'definition.changed',
    'key.changed',
    'trust_bundle.used',
    'policy.published',
    'policy.refused',
    'policy.distrusted',
    'request.refused',
    'target.reported',
  ]),
  subject: json,
});

export const recordForm = z.discriminatedUnion('kind', [decisionRecordForm, outcomeRecordForm, eventRecordForm]);

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Holds<Truth extends true> = Truth;

/** Form and type each take all that the other takes. Changing one alone does not compile. */
export type RecordFormIsLogRecord = Holds<Same<z.output<typeof recordForm>, LogRecord>>;
