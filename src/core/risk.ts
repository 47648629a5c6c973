import type { Approval } from './approval.ts';
import type { Effect } from './effect.ts';
import { sensitivityLevel } from './sensitivity.ts';

export const RISKS = ['low', 'medium', 'high'] as const;
export type Risk = (typeof RISKS)[number];

/** What an effect could do at worst: nothing, something that can be put right, something that cannot. */
const WEIGHTS: Readonly<Record<Effect, 0 | 1 | 2>> = {
  read: 0,
  write: 1,
  delegate: 1,
  delete: 2,
  execute: 2,
  send: 2,
  mint: 2,
};

/**
 * In which order people look at what waits, and what is listed together. It decides nothing: effect and sensitivity, and
 * one more each where the instruction came from outside, and where a value was seen in text that nobody vouches for.
 */
export function riskOf({ card }: Pick<Approval, 'card'>): Risk {
  const fromOutside = card.origin?.trust === 'outside' ? 1 : 0;
  const untrusted = Object.values(card.provenance ?? {}).includes('untrusted') ? 1 : 0;
  const points = WEIGHTS[card.effect] + sensitivityLevel(card.sensitivity) + fromOutside + untrusted;
  return points < 2 ? 'low' : points < 4 ? 'medium' : 'high';
}
