import { z } from '@hono/zod-openapi';
import { shownState } from '../approval/approvals.ts';
import { APPROVAL_STATES, type Approval } from '../core/approval.ts';
import { END_CAUSES, type Closing } from '../core/closing.ts';
import { EFFECTS } from '../core/effect.ts';
import type { JsonValue } from '../core/json.ts';
import { delegatorId } from '../core/party.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { TASK_STATES, type Task } from '../core/task.ts';
import { counted } from '../ending/closed-record.ts';
import type { DefinitionPin } from '../store/ports.ts';
import { grantForm } from '../task/task-request.ts';

/** The wire forms of the control plane: snake_case, times in RFC 3339. */

const time = z.iso.datetime();

const countedWire = z.record(z.string(), z.object({ count: z.number().int(), ids: z.array(z.string()) }));

/** What the end of a task has ended, and what is left to end; `complete` once that is nothing. */
export const closingWire = z
  .object({
    cause: z.enum(END_CAUSES),
    by: z.string().optional(),
    complete: z.boolean(),
    ended: countedWire,
    outstanding: countedWire,
    attempts: z.number().int(),
    complete_at: time.optional(),
    next_attempt_at: time.optional(),
  })
  .openapi('Closing');

export function closingToWire(closing: Closing): z.output<typeof closingWire> {
  const { cause, by, ended, outstanding, attempts, completeAt, nextAt } = closing;
  return {
    cause,
    ...(by === null ? {} : { by }),
    complete: completeAt !== null,
    ended: counted(ended),
    outstanding: counted(outstanding),
    attempts,
    ...(completeAt === null ? {} : { complete_at: iso(completeAt) }),
    ...(nextAt === null ? {} : { next_attempt_at: iso(nextAt) }),
  };
}

export const taskWire = z
  .object({
    id: z.string(),
    parent: z.string().nullable(),
    delegator: z.object({ issuer: z.string(), subject: z.string(), name: z.string().optional() }),
    agent: z.string(),
    purpose: z.string(),
    parameters: z.record(z.string(), z.unknown()),
    grant: z.array(grantForm),
    sensitivity: z.enum(SENSITIVITIES),
    origin: z.object({
      channel: z.string(),
      author: z.string().optional(),
      digest: z.string().optional(),
      trust: z.string(),
    }),
    not_before: time,
    expires_at: time,
    budget: z.object({ calls: z.number().int() }),
    used: z.object({ calls: z.number().int() }),
    max_hops: z.number().int(),
    state: z.enum(TASK_STATES),
    created_at: time,
    ended_at: time.optional(),
    end_reason: z.string().optional(),
    closing: closingWire.optional(),
    subject_token: z
      .string()
      .optional()
      .openapi({ description: 'for the task’s own agent: the subject token of an exchange' }),
  })
  .openapi('Task');

export function taskToWire(task: Task, used: { calls: number }, closing?: Closing): z.output<typeof taskWire> {
  const { delegator } = task;
  return {
    id: task.id,
    parent: task.parent,
    delegator: {
      issuer: delegator.issuer,
      subject: delegator.subject,
      ...(delegator.name === undefined ? {} : { name: delegator.name }),
    },
    agent: task.agent.id,
    purpose: task.purpose,
    parameters: task.parameters,
    grant: task.grant,
    sensitivity: task.sensitivity,
    origin: task.origin,
    not_before: iso(task.window.notBefore),
    expires_at: iso(task.window.expiresAt),
    budget: task.budget,
    used,
    max_hops: task.maxHops,
    state: task.state,
    created_at: iso(task.createdAt),
    ...(task.endedAt === undefined ? {} : { ended_at: iso(task.endedAt) }),
    ...(task.endReason === undefined ? {} : { end_reason: task.endReason }),
    ...(closing === undefined ? {} : { closing: closingToWire(closing) }),
  };
}

export const approvalWire = z
  .object({
    id: z.string(),
    state: z.enum(APPROVAL_STATES),
    task: z.string(),
    digest: z.string(),
    approvers: z.array(z.string()),
    requester: z.object({ agent: z.string(), delegator: z.string() }),
    target: z.string(),
    operation: z.string(),
    effect: z.enum(EFFECTS),
    resources: z.array(z.string()),
    arguments: z.record(z.string(), z.unknown()),
    purpose: z.string(),
    chain: z.array(z.object({ task: z.string(), agent: z.string() })),
    reasons: z.array(z.string()),
    policy_set: z.string(),
    created_at: time,
    expires_at: time,
    answered_by: z.string().optional(),
    answered_at: time.optional(),
  })
  .openapi('Approval');

export function approvalToWire(approval: Approval, now: number): z.output<typeof approvalWire> {
  const { card } = approval;
  return {
    id: approval.id,
    state: shownState(approval, now),
    task: approval.task,
    digest: approval.digest,
    approvers: approval.approvers,
    requester: { agent: approval.requester.agent, delegator: delegatorId(approval.requester.delegator) },
    target: card.target,
    operation: card.operation,
    effect: card.effect as (typeof EFFECTS)[number],
    resources: card.resources,
    arguments: card.arguments,
    purpose: card.purpose,
    chain: card.chain,
    reasons: card.reasons,
    policy_set: approval.policySet,
    created_at: iso(approval.createdAt),
    expires_at: iso(approval.expiresAt),
    ...(approval.answeredBy === undefined ? {} : { answered_by: delegatorId(approval.answeredBy) }),
    ...(approval.answeredAt === undefined ? {} : { answered_at: iso(approval.answeredAt) }),
  };
}

export const targetWire = z
  .object({
    name: z.string(),
    kind: z.literal('mcp'),
    url: z.string(),
    operations: z.array(
      z.object({
        name: z.string(),
        effect: z.enum(EFFECTS),
        sensitivity: z.enum(SENSITIVITIES),
        resources: z.array(z.string()),
        definition: z.enum(['unseen', 'pinned', 'quarantined']),
        digest: z.string().optional(),
        quarantined_digest: z.string().optional(),
      }),
    ),
  })
  .openapi('Target');

export const definitionWire = z
  .object({
    target: z.string(),
    operation: z.string(),
    state: z.enum(['pinned', 'quarantined']),
    digest: z.string(),
    definition: z.json().openapi({ type: 'object', description: 'what was accepted' }),
    quarantined_digest: z.string().optional(),
    quarantined_definition: z
      .json()
      .optional()
      .openapi({ type: 'object', description: 'what the target says now; its words are not to be trusted' }),
  })
  .openapi('Definition');

export function definitionToWire(pin: DefinitionPin): z.output<typeof definitionWire> {
  const { target, operation, digest, definition, quarantined } = pin;
  return {
    target,
    operation,
    state: quarantined === undefined ? 'pinned' : 'quarantined',
    digest,
    definition: JSON.parse(definition) as JsonValue,
    ...(quarantined === undefined
      ? {}
      : {
          quarantined_digest: quarantined.digest,
          quarantined_definition: JSON.parse(quarantined.definition) as JsonValue,
        }),
  };
}

export const problemWire = z
  .object({ type: z.string(), title: z.string(), status: z.number().int(), detail: z.string() })
  .openapi('Problem');

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
