import { InvalidRequest, InvalidScope } from '../core/errors.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';
import { readScope, withinScope } from './scope.ts';

/**
 * RFC 6749, section 3.3: scopes are effects, and leave of the task's grants what has one of them. All that is asked for is
 * granted or the request is refused, so the scope of the answer is the scope of the request.
 */
export function checkScope(exchange: Exchange, { catalogue }: TokenEndpointParts): void {
  const { form, subject } = exchange;
  if (form.scope === undefined) return;
  if (subject.kind !== 'task' && subject.kind !== 'asserted') throw new InvalidScope('scopes are for tokens of a task');
  if (form.authorization_details !== undefined) {
    throw new InvalidRequest('narrow a token with `scope` or with `authorization_details`, not with both');
  }
  const asked = readScope(form.scope);
  const grants = withinScope(subject.grants, asked, catalogue);
  exchange.subject = { ...subject, grants, scope: asked.join(' ') };
}
