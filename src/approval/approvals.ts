import { mayAnswer, type Answer, type Approval } from '../core/approval.ts';
import { Conflict, NotFound } from '../core/errors.ts';
import { samePerson } from '../core/party.ts';
import type { ApprovalStore, TaskStore } from '../store/ports.ts';
import { authorize, refusedRecord, type Asker, type AuthorizeParts } from '../task/authorize.ts';
import { cardOf, type ApprovalCard } from './card.ts';
import { objectionTo, type StepUps } from './objection.ts';
import { stateNow } from './state-now.ts';

export type ApprovalParts = AuthorizeParts & {
  store: ApprovalStore & TaskStore;
  stepUps: StepUps;
};

/** So many of the newest approvals are looked at for those that concern the asker. */
const LOOKED_AT = 2_000;

/** What approvers do. Asking is the gateway's part, in the same step that records the hold. */
export interface Approvals {
  /** Those that the asker could answer, or has asked for; newest first. */
  list(asker: Asker, filter: { state?: Approval['state']; limit: number }): Promise<ApprovalCard[]>;
  /** @throws NotFound also for one that the asker may not know of. */
  show(asker: Asker, id: string): Promise<ApprovalCard>;
  /**
   * Resolves with the approval as it stands then: it may wait for more people.
   *
   * @throws Forbidden; InsufficientUserAuthentication; NotFound; Conflict when it is over, the asker has said it before,
   *   it was another that the asker saw (`seen.digest`), or its task has ended.
   */
  answer(asker: Asker, id: string, answer: Pick<Answer, 'to' | 'reason'> & { digest?: string }): Promise<ApprovalCard>;
}

export function createApprovals(parts: ApprovalParts): Approvals {
  return {
    list: async (asker, filter) => {
      const record = await authorize(asker, { operation: 'approval.read', resources: [], arguments: {} }, parts);
      await parts.log.append([record]);
      const { state, limit } = filter;
      const found = parts.store.approvals({
        limit,
        among: LOOKED_AT,
        ...kept(state),
        matching: (approval) =>
          concerns(asker, approval) && (state === undefined || stateNow(approval, parts) === state),
      });
      return found.map((approval) => cardOf(approval, { full: false }, parts));
    },
    show: async (asker, id) => {
      const approval = known(asker, id, parts);
      const own = { operation: 'approval.read' as const, resources: [`approval:${id}`], arguments: {} };
      await parts.log.append([await authorize(asker, own, parts)]);
      return cardOf(approval, { full: true }, parts);
    },
    answer: async (asker, id, answer) => cardOf(await answerTo(asker, id, answer, parts), { full: true }, parts),
  };
}

/** The state to ask the store for; those that are over stand there as they were, until somebody notices. */
function kept(state: Approval['state'] | undefined): { state?: Approval['state'] } {
  return state === undefined || state === 'expired' || state === 'closed' ? {} : { state };
}

async function answerTo(
  asker: Asker,
  id: string,
  { to, reason, digest }: Pick<Answer, 'to' | 'reason'> & { digest?: string },
  parts: ApprovalParts,
): Promise<Approval> {
  const approval = known(asker, id, parts);
  const record = await authorize(
    asker,
    {
      operation: 'approval.answer',
      resources: [`approval:${id}`],
      arguments: { answer: to, digest: approval.digest, ...(reason === undefined ? {} : { reason }) },
      chain: approval.task === null ? [] : parts.store.chain(approval.task),
    },
    parts,
  );
  const at = parts.clock();
  const objection = objectionTo(asker, { approval, to, stepUps: parts.stepUps, now: at });
  if (objection !== null) {
    const subject = { approval: approval.id };
    const refused = { operation: 'approval.answer' as const, subject, reason: objection.message };
    await parts.log.append([refusedRecord(asker, refused, parts)]);
    throw objection;
  }
  if (digest !== undefined && digest !== approval.digest) {
    throw new Conflict(`approval \`${id}\` is for another action than the one you saw; look at it again`);
  }
  if (approval.state === 'pending' && stateNow(approval, parts) === 'closed') {
    throw new Conflict(`policy has changed since approval \`${id}\` was asked for; let the agent ask again`);
  }
  const by = asker.delegator!;
  const outcome = await parts.store.answerApproval({ id, to, by, at, ...(reason === undefined ? {} : { reason }) }, [
    record,
  ]);
  switch (outcome) {
    case 'answered':
    case 'counted':
      return parts.store.approval(id) ?? approval;
    case 'already_counted':
      throw new Conflict(`you have approved \`${id}\` already; another person has to, too`);
    case 'already_answered':
      throw new Conflict(`approval \`${id}\` was answered already`);
    case 'expired':
      throw new Conflict(`approval \`${id}\` has expired; let the agent ask again`);
    case 'task_ended':
      throw new Conflict(`the task of approval \`${id}\` has ended`);
    case 'unknown':
      throw unknownApproval(id);
  }
}

function known(asker: Asker, id: string, parts: ApprovalParts): Approval {
  const approval = parts.store.approval(id);
  if (approval === undefined || !concerns(asker, approval)) throw unknownApproval(id);
  return approval;
}

function concerns(asker: Asker, { approvers, requester }: Approval): boolean {
  if (asker.agent !== null) return asker.agent.id === requester.agent;
  const person = asker.delegator;
  return person !== null && (mayAnswer(approvers, person) || samePerson(person, requester.delegator));
}

function unknownApproval(id: string): NotFound {
  return new NotFound(`there is no approval \`${id.slice(0, 64)}\` that you may see`);
}
