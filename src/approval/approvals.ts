import { mayAnswer, type Approval } from '../core/approval.ts';
import { Conflict, Forbidden, NotFound } from '../core/errors.ts';
import { sameDelegator } from '../core/party.ts';
import type { ApprovalStore, TaskStore } from '../store/ports.ts';
import { authorize, refusedRecord, type Asker, type AuthorizeParts } from '../task/authorize.ts';

export type ApprovalParts = AuthorizeParts & { store: ApprovalStore & TaskStore };

const NO_PERSON = 'an approval is answered by a person';

/** So many of the newest approvals are looked at for those that concern the asker. */
const LOOKED_AT = 2_000;

/** What approvers do. Asking is the gateway's part, in the same step that records the hold. */
export interface Approvals {
  /** Those that the asker could answer, or has asked for; newest first. */
  list(asker: Asker, filter: { state?: Approval['state']; limit: number }): Promise<Approval[]>;
  /** @throws NotFound also for one that the asker may not know of. */
  show(asker: Asker, id: string): Promise<Approval>;
  /** @throws Forbidden, NotFound, Conflict when it was answered, has expired or its task has ended. */
  answer(asker: Asker, id: string, to: 'approved' | 'refused'): Promise<Approval>;
}

export function createApprovals(parts: ApprovalParts): Approvals {
  return {
    list: async (asker, filter) => {
      const record = await authorize(asker, { operation: 'approval.read', resources: [], arguments: {} }, parts);
      await parts.log.append([record]);
      const now = parts.clock();
      return parts.store
        .approvals({ limit: LOOKED_AT, ...kept(filter.state) })
        .filter((approval) => concerns(asker, approval))
        .filter((approval) => filter.state === undefined || shownState(approval, now) === filter.state)
        .slice(0, filter.limit);
    },
    show: async (asker, id) => {
      const approval = known(asker, id, parts);
      const own = { operation: 'approval.read' as const, resources: [`approval:${id}`], arguments: {} };
      await parts.log.append([await authorize(asker, own, parts)]);
      return approval;
    },
    answer: (asker, id, to) => answer(asker, id, to, parts),
  };
}

/** The state to ask the store for; expired ones stand there as they were, until somebody notices. */
function kept(state: Approval['state'] | undefined): { state?: Approval['state'] } {
  return state === undefined || state === 'expired' ? {} : { state };
}

/** An approval whose time is over has expired, whether or not the store has noticed. */
export function shownState(approval: Approval, now: number): Approval['state'] {
  const waits = approval.state === 'pending' || approval.state === 'approved';
  return waits && now >= approval.expiresAt ? 'expired' : approval.state;
}

async function answer(asker: Asker, id: string, to: 'approved' | 'refused', parts: ApprovalParts): Promise<Approval> {
  const approval = known(asker, id, parts);
  const record = await authorize(
    asker,
    {
      operation: 'approval.answer',
      resources: [`approval:${id}`],
      arguments: { answer: to, digest: approval.digest },
      chain: parts.store.chain(approval.task),
    },
    parts,
  );
  const person = asker.delegator;
  const objection = objectionTo(asker, approval);
  if (person === null || objection !== null) {
    const reason = objection ?? NO_PERSON;
    const refused = { operation: 'approval.answer' as const, subject: { approval: approval.id }, reason };
    await parts.log.append([refusedRecord(asker, refused, parts)]);
    throw new Forbidden(reason);
  }
  const outcome = await parts.store.answerApproval({ id, to, by: person, at: parts.clock() }, [record]);
  switch (outcome) {
    case 'answered':
      return parts.store.approval(id) ?? approval;
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

/** INVARIANT 8: these hold whatever policy says. */
function objectionTo(asker: Asker, approval: Approval): string | null {
  const person = asker.delegator;
  if (person === null || asker.agent !== null) return NO_PERSON;
  if (sameDelegator(person, approval.requester.delegator)) {
    return 'the delegator of a task cannot answer its approvals; ask another person';
  }
  if (!mayAnswer(approval.approvers, person)) {
    return `this approval is for ${approval.approvers.map((entry) => `\`${entry}\``).join(' and ')}`;
  }
  return null;
}

function known(asker: Asker, id: string, parts: ApprovalParts): Approval {
  const approval = parts.store.approval(id);
  if (approval === undefined || !concerns(asker, approval)) throw unknownApproval(id);
  return approval;
}

function concerns(asker: Asker, approval: Approval): boolean {
  if (asker.agent !== null) return asker.agent.id === approval.requester.agent;
  const person = asker.delegator;
  return (
    person !== null && (mayAnswer(approval.approvers, person) || sameDelegator(person, approval.requester.delegator))
  );
}

function unknownApproval(id: string): NotFound {
  return new NotFound(`there is no approval \`${id.slice(0, 64)}\` that you may see`);
}
