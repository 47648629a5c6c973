import { moved } from '../core/lease.ts';
import type { LeaseStore } from '../store/ports.ts';
import type { HeldValues } from './held-values.ts';
import { leaseEvent } from './lease-event.ts';
import type { ValueSeal } from './value-seal.ts';

export type TakeUpParts = {
  store: LeaseStore;
  values: HeldValues;
  seal: ValueSeal;
  clock: () => number;
  newId: (prefix: string) => string;
  onProblem: (error: unknown, about: string) => void;
};

const PAGE = 500;

/**
 * At the start, before anything new is done: what the last process has left. A call that it had begun to mint with may have
 * been carried out, so what came of that is in doubt; what can be used is opened, and what cannot be opened is not usable.
 */
export async function takeUp({ store, values, seal, clock, newId, onProblem }: TakeUpParts): Promise<void> {
  const problem = 'the process ended before the answer came';
  for (;;) {
    const intended = store.leases({ state: 'intended', limit: PAGE });
    await Promise.all(
      intended.map((lease) => {
        const doubtful = moved(lease, 'doubtful', { problem });
        const record = { id: newId('rec'), time: clock() };
        return store.saveLease({ lease: doubtful, from: ['intended'] }, [
          leaseEvent('lease.doubtful', doubtful, record, { problem }),
        ]);
      }),
    );
    if (intended.length < PAGE) break;
  }
  let after: string | undefined;
  do {
    const page = store.leases({ outstanding: true, limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const lease of page) {
      const sealed = store.sealedLease(lease.id);
      if (sealed === undefined) continue;
      try {
        values.add(lease, seal.open(lease.id, sealed));
      } catch (error) {
        onProblem(error, `lease \`${lease.id}\` cannot be used`);
      }
    }
    after = page.length < PAGE ? undefined : page.at(-1)!.id;
  } while (after !== undefined);
}
