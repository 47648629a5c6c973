import type { Outcome } from '../gateway/exchange.ts';

type Flight = { task: string; settling: Promise<unknown> | null; over: Promise<void> };

/** Calls that mint and have not come to an end: the end of their task waits until the ledger knows what came of them. */
export interface Flights {
  /** `unanswered` is called when the call ended and nobody had begun to settle what came of it, or could not. */
  follow(
    call: { lease: string; task: string },
    outcome: Promise<Outcome>,
    unanswered: (outcome: Outcome) => Promise<void>,
  ): void;
  /** Says that what came of the call is being settled. */
  settling(lease: string, settled: Promise<unknown>): void;
  /** Resolves when no call of the task that was made so far is under way. */
  landed(task: string): Promise<void>;
}

export function createFlights(): Flights {
  const flights = new Map<string, Flight>();
  return {
    follow: ({ lease, task }, outcome, unanswered) => {
      const flight: Flight = { task, settling: null, over: Promise.resolve() };
      flights.set(lease, flight);
      flight.over = outcome
        .then(async (came) => {
          const settled =
            flight.settling !== null &&
            (await flight.settling.then(
              () => true,
              () => false,
            ));
          if (!settled) await unanswered(came);
        })
        .finally(() => flights.delete(lease));
    },
    settling: (lease, settled) => {
      const flight = flights.get(lease);
      if (flight !== undefined) flight.settling = settled;
    },
    landed: async (task) => {
      const open = [...flights.values()].filter((flight) => flight.task === task);
      await Promise.all(open.map(({ over }) => over));
    },
  };
}
