import type { Delegator } from '../core/party.ts';
import type { ApprovalStore } from '../store/ports.ts';

/** How much a person answers in an hour before it counts as too much, and what follows from that. */
export type LoadLimit = { answersPerHour: number; beyond: 'warn' | 'others' };

/** How much a person has answered. */
export type Load = { lastHour: number; lastDay: number; limit: number; over: boolean; beyond: LoadLimit['beyond'] };

const HOUR_MS = 3_600_000;

export function loadOf(
  person: Pick<Delegator, 'issuer' | 'subject'>,
  { store, now, limit }: { store: Pick<ApprovalStore, 'answersBy'>; now: number; limit: LoadLimit },
): Load {
  const lastHour = store.answersBy(person, now - HOUR_MS);
  const { answersPerHour, beyond } = limit;
  return {
    lastHour,
    lastDay: store.answersBy(person, now - 24 * HOUR_MS),
    limit: answersPerHour,
    over: lastHour >= answersPerHour,
    beyond,
  };
}
