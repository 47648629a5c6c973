import type { Undescribed } from '../../core/action.ts';
import { delegatorId } from '../../core/party.ts';
import type { Caller } from '../../identity/caller.ts';
import type { Evaluation } from './evaluation.ts';

/**
 * INVARIANT 1: the subject of a question is a claim, and who is asked for has been proven before: the agent, or the delegator
 * on whose behalf it acts. A question about anybody else is denied, whatever policy would say about them.
 */
export function checkSubject({ type, id }: Evaluation['subject'], caller: Caller): Undescribed | null {
  if (namesOf(type, caller).includes(id)) return null;
  return {
    code: 'unproven_subject',
    message: 'the subject is not who has proven to ask: neither the agent of the token nor its delegator',
    next: 'name the agent (`agent`), its task (`task`) or the delegator (`user` or `identity`) of the access token',
  };
}

/** The ids by which a type of subject may name who asks. */
function namesOf(type: string, { agent, delegator, taskId }: Caller): (string | null)[] {
  switch (type) {
    case 'agent':
      return agent === null ? [] : [agent.id];
    case 'task':
      return [taskId];
    case 'user':
    case 'identity':
      // `sub` of the access token, or that of the delegator's own provider: the token says of which.
      return delegator === null ? [] : [delegatorId(delegator), delegator.subject];
    default:
      return [];
  }
}
