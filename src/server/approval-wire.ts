import { z } from '@hono/zod-openapi';
import type { ApprovalCard } from '../approval/card.ts';
import type { Load } from '../approval/load.ts';
import { ARGUMENT_ORIGINS } from '../core/action.ts';
import { APPROVAL_STATES, requesterName, type Answer } from '../core/approval.ts';
import { EFFECTS } from '../core/effect.ts';
import { delegatorId } from '../core/party.ts';
import { RISKS } from '../core/risk.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { STANDING_STATES, type StandingAnswer } from '../core/standing-answer.ts';
import { TEXT_NOTES } from '../core/visible.ts';
import { iso, time } from './wire.ts';

const answerWire = z.object({
  answer: z.enum(['approved', 'refused']),
  by: z.string(),
  at: time,
  reason: z.string().optional(),
});

export const loadWire = z
  .object({
    last_hour: z.number().int(),
    last_day: z.number().int(),
    limit_per_hour: z.number().int(),
    over: z.boolean(),
    beyond: z.enum(['warn', 'others']).openapi({ description: 'what follows: a warning, or others have to say yes' }),
  })
  .openapi('ApproverLoad');

export function loadToWire({ lastHour, lastDay, limit, over, beyond }: Load): z.output<typeof loadWire> {
  return { last_hour: lastHour, last_day: lastDay, limit_per_hour: limit, over, beyond };
}

export const standingWire = z
  .object({
    id: z.string(),
    state: z.enum(STANDING_STATES),
    task: z.string(),
    approval: z.string(),
    target: z.string(),
    operation: z.string(),
    resources: z.array(z.union([z.object({ exactly: z.string() }), z.object({ like: z.string() })])),
    arguments: z.record(
      z.string(),
      z.union([z.object({ exactly: z.unknown() }), z.object({ like: z.string() }), z.object({ any: z.literal(true) })]),
    ),
    given_by: z.array(z.string()),
    uses: z.number().int(),
    uses_left: z.number().int(),
    created_at: time,
    expires_at: time,
  })
  .openapi('StandingAnswer');

export function standingToWire(standing: StandingAnswer): z.output<typeof standingWire> {
  const { id, state, task, approval, target, operation, resources, uses } = standing;
  return {
    id,
    state,
    task,
    approval,
    target,
    operation,
    resources,
    arguments: standing.arguments,
    given_by: standing.approvers.map(delegatorId),
    uses,
    uses_left: standing.usesLeft,
    created_at: iso(standing.createdAt),
    expires_at: iso(standing.expiresAt),
  };
}

export const approvalWire = z
  .object({
    id: z.string(),
    state: z.enum(APPROVAL_STATES),
    risk: z.enum(RISKS).openapi({ description: 'of effect, sensitivity and origin; for the order of a list alone' }),
    task: z.string().nullable().openapi({ description: 'null for an operation of Remit’s own without a task' }),
    digest: z.string().openapi({ description: 'names the one exact action' }),
    approvers: z.array(z.string()).openapi({ description: 'the rules that must be met, all of them' }),
    rules: z.array(
      z.object({
        rule: z.string(),
        people: z.number().int().openapi({ description: 'how many different people must say yes' }),
        given: z.number().int().openapi({ description: 'how many of them have' }),
        names: z.array(z.string()),
        acr_values: z.array(z.string()).optional(),
        max_age: z.number().int().optional(),
      }),
    ),
    requester: z.object({ agent: z.string().nullable(), delegator: z.string(), name: z.string().optional() }),
    target: z.string(),
    operation: z.string(),
    effect: z.enum(EFFECTS),
    sensitivity: z.enum(SENSITIVITIES),
    resources: z.array(z.string()),
    arguments: z.record(z.string(), z.unknown()),
    shown: z
      .array(
        z.object({
          name: z.string(),
          text: z.string(),
          length: z.number().int(),
          cut: z.boolean(),
          notes: z.array(z.enum(TEXT_NOTES)),
          provenance: z.enum(ARGUMENT_ORIGINS).optional(),
        }),
      )
      .openapi({ description: 'each argument as JSON, with hidden characters made visible' }),
    cut: z
      .boolean()
      .openapi({ description: 'something long is cut here; ask for this approval alone to see all of it' }),
    purpose: z.string().nullable(),
    origin: z.object({ channel: z.string(), author: z.string().optional(), trust: z.string() }).optional(),
    chain: z.array(z.object({ task: z.string(), agent: z.string() })),
    so_far: z
      .object({
        calls: z.number().int(),
        budget: z.number().int(),
        actions: z.array(
          z.object({
            target: z.string(),
            operation: z.string(),
            effect: z.enum(EFFECTS),
            times: z.number().int(),
            last_at: time,
          }),
        ),
      })
      .nullable()
      .openapi({ description: 'what was permitted within the task and all below it, the latest first' }),
    alike: z
      .object({ approved: z.number().int(), refused: z.number().int(), last: z.array(answerWire) })
      .openapi({ description: 'answers to this agent’s requests for this operation in the last thirty days' }),
    standing: z.array(standingWire).openapi({ description: 'what stands already for this operation within the task' }),
    reasons: z.array(z.string()),
    policies: z.array(z.string()),
    policy_set: z.string(),
    answers: z.array(answerWire),
    created_at: time,
    expires_at: time,
    answered_by: z.string().optional(),
    answered_at: time.optional(),
  })
  .openapi('Approval');

export function approvalToWire(full: ApprovalCard): z.output<typeof approvalWire> {
  const { approval } = full;
  const { card, requester } = approval;
  const last = approval.answers.at(-1);
  const { name } = requester.delegator;
  return {
    id: approval.id,
    state: full.state,
    risk: full.risk,
    task: approval.task,
    digest: approval.digest,
    approvers: approval.approvers,
    rules: full.rules.map(({ text, people, given, names, acrValues, maxAgeSeconds }) => ({
      rule: text,
      people,
      given,
      names,
      ...(acrValues.length === 0 ? {} : { acr_values: acrValues }),
      ...(maxAgeSeconds === null ? {} : { max_age: maxAgeSeconds }),
    })),
    requester: {
      agent: requester.agent,
      delegator: requesterName(approval),
      ...(name === undefined ? {} : { name }),
    },
    target: card.target,
    operation: card.operation,
    effect: card.effect,
    sensitivity: card.sensitivity,
    resources: card.resources,
    arguments: full.arguments,
    shown: full.shown,
    cut: full.cut,
    purpose: card.purpose,
    ...(card.origin === undefined ? {} : { origin: originToWire(card.origin) }),
    chain: card.chain,
    so_far:
      full.soFar === null
        ? null
        : {
            calls: full.soFar.calls,
            budget: full.soFar.budget,
            actions: full.soFar.actions.map(({ lastAt, ...action }) => ({ ...action, last_at: iso(lastAt) })),
          },
    alike: {
      approved: full.alike.approved,
      refused: full.alike.refused,
      last: full.alike.last.map(answerToWire),
    },
    standing: full.standing.map(standingToWire),
    reasons: card.reasons,
    policies: card.policies,
    policy_set: approval.policySet,
    answers: approval.answers.map(answerToWire),
    created_at: iso(approval.createdAt),
    expires_at: iso(approval.expiresAt),
    ...(last === undefined ? {} : { answered_by: delegatorId(last.by), answered_at: iso(last.at) }),
  };
}

function originToWire({ channel, author, trust }: NonNullable<ApprovalCard['approval']['card']['origin']>) {
  return { channel, trust, ...(author === undefined ? {} : { author }) };
}

function answerToWire({ to, by, at, reason }: Answer): z.output<typeof answerWire> {
  return { answer: to, by: delegatorId(by), at: iso(at), ...(reason === undefined ? {} : { reason }) };
}
