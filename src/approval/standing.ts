import { Conflict, NotFound } from '../core/errors.ts';
import type { StandingAnswer } from '../core/standing-answer.ts';
import type { ApprovalStore, StandingStore } from '../store/ports.ts';
import { authorize, type Asker, type AuthorizeParts } from '../task/authorize.ts';
import { concerns } from './concerns.ts';

export type StandingParts = AuthorizeParts & { store: ApprovalStore & StandingStore };

const LOOKED_AT = 1_000;

/** Answers that were given beforehand: seen and taken back by whoever may answer, and by whose task it is. */
export interface StandingAnswers {
  /** The newest first. */
  list(asker: Asker, filter: { active: boolean; limit: number }): Promise<StandingAnswer[]>;
  /** @throws NotFound also for one that the asker may not know of; Conflict when it stands no more. */
  revoke(asker: Asker, id: string): Promise<StandingAnswer>;
}

export function createStandingAnswers(parts: StandingParts): StandingAnswers {
  const { store } = parts;
  const concernsAsker = (asker: Asker, { approval }: StandingAnswer): boolean => {
    const given = store.approval(approval);
    return given !== undefined && concerns(asker, given);
  };
  return {
    list: async (asker, { active, limit }) => {
      await parts.log.append([
        await authorize(asker, { operation: 'approval.read', resources: [], arguments: {} }, parts),
      ]);
      const now = parts.clock();
      const matching = (standing: StandingAnswer) =>
        (!active || shownState(standing, now) === 'active') && concernsAsker(asker, standing);
      return store
        .standingAnswers({ limit, among: LOOKED_AT, matching })
        .map((standing) => ({ ...standing, state: shownState(standing, now) }));
    },
    revoke: async (asker, id) => {
      const standing = store.standingAnswer(id);
      if (standing === undefined || !concernsAsker(asker, standing)) throw unknown(id);
      const own = {
        operation: 'approval.answer' as const,
        resources: [`approval:${standing.approval}`],
        arguments: { answer: 'revoked', standing: id },
      };
      const outcome = await store.revokeStandingAnswer(id, [await authorize(asker, own, parts)]);
      if (outcome === 'unknown') throw unknown(id);
      if (outcome === 'over') throw new Conflict(`standing answer \`${id}\` stands no more`);
      return store.standingAnswer(id) ?? standing;
    },
  };
}

function shownState({ state, expiresAt }: StandingAnswer, now: number): StandingAnswer['state'] {
  return state === 'active' && now >= expiresAt ? 'expired' : state;
}

function unknown(id: string): NotFound {
  return new NotFound(`there is no standing answer \`${id.slice(0, 64)}\` that you may see`);
}
