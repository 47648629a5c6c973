import { approvalRequest, isReadable, type Approval } from '../core/approval.ts';
import type { Decision, DecisionInput } from '../core/decision.ts';
import type { DecisionRecord } from '../core/record.ts';
import type { ApprovalStore } from '../store/ports.ts';

export type AskParts = {
  store: Pick<ApprovalStore, 'requestApproval'>;
  newId: (prefix: string) => string;
  /** Milliseconds. */
  approvalLifetimeMs: number;
};

/** Requests of one task, or of one person without a task, that may wait at a time. */
export const MAX_WAITING = 20;

/** An action that is held, and the decision's record, given the approval that it waits for. */
export type Held = {
  input: DecisionInput;
  decision: Decision;
  /** `actionDigest` of it. */
  digest: string;
  record: (about: { id: string; approvers: string[] } | null) => DecisionRecord;
};

/** The request that now waits, or why nobody is asked. */
export type Asked = { waitsFor: Approval } | { notAsked: string };

/**
 * Asks for the approval of a held action, in one step with the record of the hold. Who has asked already is not asked
 * again. The hold stands and is recorded all the same where people would be buried, or could not read what they are asked.
 */
export async function ask(held: Held, parts: AskParts): Promise<Asked> {
  const { input, decision, digest, record } = held;
  const request = approvalRequest({
    id: parts.newId('apr'),
    digest,
    input,
    decision,
    lifetimeMs: parts.approvalLifetimeMs,
  });
  const readable = isReadable(input.action);
  const kept = await parts.store.requestApproval(
    request,
    ({ id, state, approvers }) => [record(state === 'closed' ? null : { id, approvers })],
    readable ? MAX_WAITING : 0,
  );
  if (kept.state !== 'closed') return { waitsFor: kept };
  if (!readable) return { notAsked: 'its arguments are too long for a person to read; make them shorter' };
  return { notAsked: `${MAX_WAITING} requests wait for an answer already; wait until some are answered` };
}
