import type { DecisionOutcome } from '../core/decision.ts';

/** What is newly let through comes first, then what is newly held back. */
const GRAVEST_FIRST = ['deny>permit', 'hold>permit', 'deny>hold', 'permit>deny', 'hold>deny', 'permit>hold'];

/** The place of a change of outcome among all, the gravest first; of none, behind all. */
export function gravity({ from, to }: { from: DecisionOutcome; to: DecisionOutcome }): number {
  const place = GRAVEST_FIRST.indexOf(`${from}>${to}`);
  return place === -1 ? GRAVEST_FIRST.length : place;
}
