import type { JsonObject } from '../core/json.ts';
import type { Task } from '../core/task.ts';

/** What policy sees of a task that is to be made (`task.create`): all of it follows from the task. */
export function createArguments(task: Task): JsonObject {
  return {
    agent: task.agent.id,
    purpose: task.purpose,
    parameters: task.parameters,
    grant: JSON.parse(JSON.stringify(task.grant)) as JsonObject[],
    sensitivity: task.sensitivity,
    expires_at: task.window.expiresAt,
    calls: task.budget.calls,
  };
}
