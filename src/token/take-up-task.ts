import { Conflict, Forbidden, InvalidAssertion } from '../core/errors.ts';
import { hasEnded, notLive } from '../core/task.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/**
 * The last check of an identity assertion: the task that it makes, or has made, is decided and made. An assertion that is
 * shown again, as the draft tells clients to (section 4.4.3), is good for another token of the same task, and never for a
 * second task.
 */
export async function takeUpTask(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { asserted, subject, http } = exchange;
  if (asserted === undefined || subject.kind !== 'asserted') return;
  const { agent, request, grants, scope } = subject;
  const asker = { agent, delegator: asserted.delegator, token: null, request: http.request };
  const task = await parts.lifecycle.request(asker, request, asserted.assertion).catch((cause: unknown) => {
    const refused = cause instanceof Forbidden || cause instanceof Conflict;
    throw refused ? new InvalidAssertion(cause.message, { cause }) : cause;
  });
  if (notLive(task, parts.clock()) !== null) {
    const how = hasEnded(task.state) ? ` (${task.state})` : '';
    throw new InvalidAssertion(`the task of this identity assertion has ended${how}; ask the provider for a new one`);
  }
  const narrowed = scope === undefined ? { grants } : { grants, scope };
  exchange.subject = { kind: 'task', agent, task, above: [], root: task.id, ...narrowed };
  exchange.notAfter = Math.min(exchange.notAfter, task.window.expiresAt);
}
