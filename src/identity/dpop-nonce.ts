import { createHmac, randomBytes } from 'node:crypto';

/** A nonce is new so often, and taken for once or twice as long. */
const PERIOD_MS = 120_000;

/** RFC 9449, section 8: values that a client cannot foresee, so that no proof is made long before it is used. */
export interface DpopNonces {
  current(): string;
  accepts(nonce: string): boolean;
}

/**
 * Nonces that are not remembered: each is a function of the time and of a secret that lives and dies with the process.
 * After a restart, and after a clock that jumped, a client is told the new one and asks again.
 */
export function createDpopNonces(options: { clock: () => number; secret?: Buffer }): DpopNonces {
  const secret = options.secret ?? randomBytes(32);
  const made = new Map<number, string>();

  function of(period: number): string {
    let nonce = made.get(period);
    if (nonce === undefined) {
      nonce = createHmac('sha256', secret).update(`remit dpop nonce ${period}`).digest('base64url').slice(0, 22);
      if (made.size > 2) made.clear();
      made.set(period, nonce);
    }
    return nonce;
  }

  return {
    current: () => of(Math.floor(options.clock() / PERIOD_MS)),
    accepts: (nonce) => {
      const period = Math.floor(options.clock() / PERIOD_MS);
      // Whoever asks is told the current one, so how long a comparison takes says nothing.
      return [period, period - 1].some((one) => nonce === of(one));
    },
  };
}
