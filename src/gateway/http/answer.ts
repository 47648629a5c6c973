import type { Outcome } from '../exchange.ts';

/** What goes back to the client. */
export type HttpAnswer =
  | { kind: 'whole'; status: number; headers: Record<string, string>; body: string }
  /** The answer of the target, on its way: it goes to the client as it comes. */
  | { kind: 'passing'; finished: Promise<Outcome> };
