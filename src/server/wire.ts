import { z } from '@hono/zod-openapi';
import { END_CAUSES, type Closing } from '../core/closing.ts';
import { EFFECTS } from '../core/effect.ts';
import type { JsonValue } from '../core/json.ts';
import { scheduleToWire } from '../core/schedule-wire.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { PROTOCOLS } from '../core/target-resource.ts';
import { TASK_STATES, type Task, type TaskProfile } from '../core/task.ts';
import { counted } from '../ending/closed-record.ts';
import type { DefinitionPin } from '../store/ports.ts';
import type { Used } from '../core/budget.ts';
import { limitsToWire, usedLimitsToWire } from '../core/budget-wire.ts';
import { limitsForm, usedLimitsForm } from './budget-form.ts';
import { scheduleForm } from '../task/window-form.ts';
import { grantForm } from '../task/grant-form.ts';

/** The wire forms of the control plane: snake_case, times in RFC 3339. */

export const time = z.iso.datetime();

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
      signer: z.string().optional(),
      trust: z.string(),
    }),
    not_before: time,
    expires_at: time,
    schedules: z.array(scheduleForm).optional(),
    budget: limitsForm.extend({ calls: z.number().int() }),
    used: usedLimitsForm.extend({ calls: z.number().int() }),
    max_hops: z.number().int(),
    profile: z.object({ name: z.string(), version: z.number().int(), digest: z.string() }).optional(),
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

export function taskToWire(task: Task, used: Used, closing?: Closing): z.output<typeof taskWire> {
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
    ...(task.window.schedules === undefined ? {} : { schedules: task.window.schedules.map(scheduleToWire) }),
    budget: { calls: task.budget.calls, ...limitsToWire(task.budget) },
    used: { calls: used.calls, ...usedLimitsToWire(task.budget, used) },
    max_hops: task.maxHops,
    ...(task.profile === undefined ? {} : { profile: shownProfile(task.profile) }),
    state: task.state,
    created_at: iso(task.createdAt),
    ...(task.endedAt === undefined ? {} : { ended_at: iso(task.endedAt) }),
    ...(task.endReason === undefined ? {} : { end_reason: task.endReason }),
    ...(closing === undefined ? {} : { closing: closingToWire(closing) }),
  };
}

export const targetWire = z
  .object({
    name: z.string(),
    kind: z.enum(PROTOCOLS),
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
    unclassified: z
      .array(z.string())
      .optional()
      .openapi({ description: 'denied until the target file gives them an effect' }),
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

function shownProfile({ name, version, digest }: TaskProfile) {
  return { name, version, digest };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
