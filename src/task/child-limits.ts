import { counterLeft, countersOf, type Budget } from '../core/budget.ts';
import type { TaskView } from '../core/decision.ts';
import { InvalidRequest } from '../core/errors.ts';
import type { Window } from '../core/task.ts';
import type { BudgetRequest } from './budget-form.ts';
import { checkWindow, endOf, type WindowRequest } from './window-form.ts';

/**
 * The window of a child, within those above. @throws InvalidRequest for a longer one: nothing is cut in silence. Schedules
 * above are not copied: at every action each level's are looked at as they are.
 */
export function childWindow(chain: readonly TaskView[], request: WindowRequest, now: number): Window {
  const ends = Math.min(...chain.map(({ task }) => task.window.expiresAt));
  const notBefore = Math.max(request.notBefore ?? now, now, ...chain.map(({ task }) => task.window.notBefore));
  if (notBefore >= ends) throw new InvalidRequest('`not_before`: the task above has ended by then');
  const expiresAt = endOf(request, notBefore) ?? ends;
  if (expiresAt > ends) {
    const member = request.expiresAt === undefined ? 'lifetime_seconds' : 'expires_at';
    const left = Math.floor((ends - notBefore) / 1000);
    throw new InvalidRequest(`\`${member}\`: the tasks above end ${left} seconds after the start of this one`);
  }
  const { schedules } = request;
  const window = { notBefore, expiresAt, ...(schedules.length === 0 ? {} : { schedules }) };
  const above = chain.flatMap(({ task }) => task.window.schedules ?? []);
  checkWindow(window, now, above);
  return window;
}

/**
 * The budget of a child: the calls that are left, or fewer, and what is asked beside. @throws InvalidRequest for more than
 * is left. Whatever it says, each action of the child is taken from every budget above, too.
 */
export function childBudget(chain: readonly TaskView[], request: BudgetRequest): Budget {
  const left = Math.min(...chain.map(({ task, used }) => task.budget.calls - used.calls));
  const calls = request.calls ?? left;
  if (left < 1 || calls > left) throw new InvalidRequest(`\`calls\`: the tasks above have ${left} calls left`);
  for (const { name, member, atMost } of countersOf(request)) {
    const most = member === null ? undefined : counterLeft(chain, name);
    if (most === undefined || atMost <= most) continue;
    throw new InvalidRequest(`\`budget.${member}\`: the tasks above have ${most} calls left`);
  }
  return { ...request, calls };
}
