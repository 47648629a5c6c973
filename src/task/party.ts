import { NotFound } from '../core/errors.ts';
import { sameDelegator } from '../core/party.ts';
import type { Task } from '../core/task.ts';
import type { Asker } from './authorize.ts';

/** The task's own agent and its delegator. */
export function isParty(asker: Pick<Asker, 'agent' | 'delegator'>, task: Task): boolean {
  if (asker.agent !== null) return asker.agent.id === task.agent.id;
  return asker.delegator !== null && sameDelegator(asker.delegator, task.delegator);
}

/** Who may not know of a task is told what they would be told if it did not exist. */
export function unknownTask(id: string): NotFound {
  return new NotFound(`there is no task \`${id.slice(0, 64)}\` that you may see`);
}
