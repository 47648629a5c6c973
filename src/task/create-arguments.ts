import { hasLimits } from '../core/budget.ts';
import { limitsToWire } from '../core/budget-wire.ts';
import type { JsonObject } from '../core/json.ts';
import { scheduleToWire } from '../core/schedule-wire.ts';
import type { Task, TaskProfile } from '../core/task.ts';

/** What policy sees of a task that is to be made (`task.create`): all of it follows from the task. */
export function createArguments(task: Task): JsonObject {
  const { window, budget, profile } = task;
  return {
    ...(profile === undefined ? {} : { profile: profileArgument(profile) }),
    agent: task.agent.id,
    purpose: task.purpose,
    parameters: task.parameters,
    grant: JSON.parse(JSON.stringify(task.grant)) as JsonObject[],
    sensitivity: task.sensitivity,
    ...(window.schedules === undefined ? {} : { schedules: window.schedules.map(scheduleToWire) as JsonObject[] }),
    calls: budget.calls,
    ...(hasLimits(budget) ? { budget: limitsToWire(budget) as JsonObject } : {}),
    expires_at: window.expiresAt,
    ...(profile?.automated === true ? { automated: true } : {}),
    ...(task.assertion === undefined ? {} : { assertion: task.assertion }),
  };
}

function profileArgument({ name, version, digest }: TaskProfile): JsonObject {
  return { name, version, digest };
}
