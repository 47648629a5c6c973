import { mayAnswer, type Approval } from '../core/approval.ts';
import { samePerson } from '../core/party.ts';
import type { Asker } from '../task/authorize.ts';

/** Whether the asker may know of it: who could answer, and who has asked. */
export function concerns(asker: Asker, { approvers, requester }: Approval): boolean {
  if (asker.agent !== null) return asker.agent.id === requester.agent;
  const person = asker.delegator;
  return person !== null && (mayAnswer(approvers, person) || samePerson(person, requester.delegator));
}
