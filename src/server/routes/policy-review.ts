import { z } from '@hono/zod-openapi';
import { POLICY_PARTS } from '../../policy/explain.ts';
import { DOUBTS } from '../../policy/recorded-input.ts';
import type { Review } from '../../policy/review.ts';
import { filesForm, findingWire, hashForm } from './policy.ts';
import { controlRoute, type ControlApp } from './route.ts';

const outcome = z.enum(['permit', 'deny', 'hold']);
const reasonWire = z.object({ code: z.string(), message: z.string(), next: z.string().optional() });
const traceWire = z.object({
  policy: z.string(),
  effect: z.enum(['permit', 'forbid']),
  file: z.string(),
  line: z.number().int(),
  applies: z.boolean().nullable(),
  stopped_by: z.number().int().nullable(),
  clauses: z.array(
    z.object({
      kind: z.enum(['when', 'unless']),
      text: z.string(),
      value: z.enum(['true', 'false', 'error', 'not_reached']),
      problem: z.string().optional(),
      read: z.array(z.object({ path: z.string(), value: z.string().nullable() })),
    }),
  ),
});
const obligationsWire = z.object({ max_lifetime_seconds: z.number().int() }).optional();
const explanationWire = z.object({
  record: z.string(),
  recorded: z.object({
    outcome,
    reasons: z.array(reasonWire),
    policies: z.array(z.string()),
    policy_set: hashForm,
  }),
  policy_set: hashForm,
  same_set: z.boolean(),
  uncertain: z.array(z.enum(DOUBTS)),
  outcome,
  reasons: z.array(reasonWire),
  obligations: obligationsWire,
  agrees: z.boolean(),
  decided_by: z.enum(['checks_before_policy', 'policy']),
  levels: z.array(
    z.object({
      level: z.enum(['task', 'token']),
      task: z.string().nullable(),
      agent: z.string().nullable(),
      objection: reasonWire.nullable(),
      values: z.record(z.string(), z.unknown()),
    }),
  ),
  evaluations: z.array(
    z.object({
      principal: z.string(),
      resource: z.string(),
      outcome,
      policies: z.array(traceWire.extend({ part: z.enum(POLICY_PARTS) })),
      nearest: z.array(traceWire),
    }),
  ),
});

const placeWire = z.object({
  policy: z.string(),
  effect: z.enum(['permit', 'forbid']),
  file: z.string(),
  line: z.number().int(),
});
const causeWire = z.object({ policies: z.array(z.string()), codes: z.array(z.string()) });
const outcomeWire = z.object({
  outcome,
  reasons: z.array(reasonWire),
  approvers: z.array(z.string()),
  observed: z.array(z.string()),
  obligations: obligationsWire,
});
const diffWire = z.object({
  before: hashForm,
  after: hashForm,
  removed: z.array(placeWire),
  added: z.array(placeWire),
  requests: z.number().int(),
  unreached: z.array(z.string()),
  groups: z.array(
    z.object({
      from: outcome,
      to: outcome,
      other: z.enum(['approvers', 'obligations', 'observed']).nullable(),
      before: causeWire,
      after: causeWire,
      count: z.number().int(),
      operations: z.array(z.string()),
      example: z.object({
        agent: z.string().nullable(),
        delegator: z.string().nullable(),
        target: z.string(),
        operation: z.string(),
        effect: z.string(),
        resource: z.string().nullable(),
        arguments: z.record(z.string(), z.unknown()),
        circumstances: z.array(z.string()),
        before: outcomeWire,
        after: outcomeWire,
      }),
    }),
  ),
});

/** A diff takes the decisions' thread a few milliseconds at a time, so it is bounded more tightly than at the command line. */
const MOST_REQUESTS = 200_000;

const checkRoute = controlRoute({
  method: 'post',
  path: '/v1/policy/check',
  summary: 'what is wrong with a policy set: names and types as they are now, and lints; nothing is changed',
  request: {
    body: { required: true, content: { 'application/json': { schema: z.strictObject({ files: filesForm }) } } },
  },
  answer: z.object({ policy_set: hashForm, policies: z.number().int(), findings: z.array(findingWire) }),
});
const diffRoute = controlRoute({
  method: 'post',
  path: '/v1/policy/diff',
  summary: 'which generated requests a policy set would decide otherwise than the one in force; nothing is changed',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            files: filesForm,
            requests: z.number().int().positive().max(MOST_REQUESTS).default(20_000),
          }),
        },
      },
    },
  },
  answer: diffWire,
});
const explainRoute = controlRoute({
  method: 'get',
  path: '/v1/policy/explain/{record}',
  summary: 'which clause of which policy decided, with the values, under the policy set that decided',
  request: { params: z.object({ record: z.string().min(1).max(64) }) },
  answer: explanationWire,
});

export function policyReviewRoutes(app: ControlApp, { review }: { review: Review }): void {
  app.openapi(checkRoute, async (c) => {
    const { policySet, policies, findings } = await review.check(c.var.asker, c.req.valid('json').files);
    return c.json({ policy_set: policySet, policies, findings }, 200);
  });
  app.openapi(diffRoute, async (c) => c.json(await review.diff(c.var.asker, c.req.valid('json')), 200));
  app.openapi(explainRoute, async (c) => {
    return c.json(await review.explain(c.var.asker, c.req.valid('param').record), 200);
  });
}
