import type { Answer, Approval } from '../core/approval.ts';
import { Conflict, NotFound, RemitError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Delegator } from '../core/party.ts';
import type { ApprovalStore, StandingStore, TaskStore } from '../store/ports.ts';
import { authorize, refusedRecord, type Asker, type AuthorizeParts } from '../task/authorize.ts';
import { cardOf, type ApprovalCard } from './card.ts';
import { concerns } from './concerns.ts';
import { loadOf, type Load, type LoadLimit } from './load.ts';
import { standingAnswer, type Next, type StandingLimits } from './next.ts';
import { objectionTo, type StepUps } from './objection.ts';
import { stateNow } from './state-now.ts';

export type ApprovalParts = AuthorizeParts & {
  store: ApprovalStore & StandingStore & TaskStore;
  stepUps: StepUps;
  load: LoadLimit;
  standing: StandingLimits;
};

/** An answer as somebody gives it: for exactly what they saw, where they say what that was. */
export type GivenAnswer = Pick<Answer, 'to' | 'reason'> & { digest?: string; next?: Next };

/** So many of the newest approvals are looked at for those that concern the asker. */
const LOOKED_AT = 2_000;

/** What approvers do. Asking is the gateway's part, in the same step that records the hold. */
export interface Approvals {
  /** Those that the asker could answer, or has asked for; newest first. */
  list(
    asker: Asker,
    filter: { state?: Approval['state']; limit: number },
  ): Promise<{ cards: ApprovalCard[]; load: Load | null }>;
  /** @throws NotFound also for one that the asker may not know of. */
  show(asker: Asker, id: string): Promise<ApprovalCard>;
  /**
   * Resolves with the approval as it stands then: it may wait for more people.
   *
   * @throws Forbidden; InsufficientUserAuthentication; NotFound; Conflict when it is over, the asker has said it before,
   *   it was another that the asker saw (`seen.digest`), or its task has ended.
   */
  answer(asker: Asker, id: string, answer: GivenAnswer): Promise<ApprovalCard>;
  /** Each by itself, decided and recorded by itself: one that is not taken says so and stops no other. */
  answerAll(
    asker: Asker,
    answers: readonly (GivenAnswer & { id: string; digest: string })[],
  ): Promise<({ id: string; card: ApprovalCard } | { id: string; problem: RemitError })[]>;
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
      const { delegator } = asker;
      const load =
        delegator === null ? null : loadOf(delegator, { store: parts.store, now: parts.clock(), limit: parts.load });
      return { cards: found.map((approval) => cardOf(approval, { full: false }, parts)), load };
    },
    show: async (asker, id) => {
      const approval = known(asker, id, parts);
      const own = { operation: 'approval.read' as const, resources: [`approval:${id}`], arguments: {} };
      await parts.log.append([await authorize(asker, own, parts)]);
      return cardOf(approval, { full: true }, parts);
    },
    answerAll: async (asker, answers) => {
      const own = { operation: 'approval.read' as const, resources: [], arguments: {} };
      await parts.log.append([await authorize(asker, own, parts)]);
      const results: Awaited<ReturnType<Approvals['answerAll']>> = [];
      for (const { id, ...answer } of answers) {
        try {
          results.push({ id, card: cardOf(await answerTo(asker, id, answer, parts), { full: false }, parts) });
        } catch (error) {
          // A fault is no answer: what was answered before it is, and the caller looks again.
          if (!(error instanceof RemitError)) throw error;
          results.push({ id, problem: error });
        }
      }
      return results;
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
  { to, reason, digest, next }: GivenAnswer,
  parts: ApprovalParts,
): Promise<Approval> {
  const approval = known(asker, id, parts);
  const record = await authorize(
    asker,
    {
      operation: 'approval.answer',
      resources: [`approval:${id}`],
      arguments: {
        answer: to,
        digest: approval.digest,
        ...(reason === undefined ? {} : { reason }),
        ...(next === undefined ? {} : { next: JSON.parse(JSON.stringify(next)) as JsonObject }),
      },
      chain: approval.task === null ? [] : parts.store.chain(approval.task),
    },
    parts,
  );
  const at = parts.clock();
  const load =
    asker.delegator === null ? null : loadOf(asker.delegator, { store: parts.store, now: at, limit: parts.load });
  const objection = objectionTo(asker, { approval, to, stepUps: parts.stepUps, load, now: at });
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
  const stands = next === undefined || to === 'refused' ? undefined : standing(next, { approval, by, at }, parts);
  const answer = { id, to, by, at, ...(reason === undefined ? {} : { reason }) };
  const outcome = await parts.store.answerApproval(answer, [record], stands);
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

function standing(next: Next, given: { approval: Approval; by: Delegator; at: number }, parts: ApprovalParts) {
  const taskExpiresAt = parts.store.task(given.approval.task ?? '')?.window.expiresAt ?? 0;
  return standingAnswer(next, { ...given, id: parts.newId('sta'), taskExpiresAt }, parts.standing);
}

function known(asker: Asker, id: string, parts: ApprovalParts): Approval {
  const approval = parts.store.approval(id);
  if (approval === undefined || !concerns(asker, approval)) throw unknownApproval(id);
  return approval;
}

function unknownApproval(id: string): NotFound {
  return new NotFound(`there is no approval \`${id.slice(0, 64)}\` that you may see`);
}
