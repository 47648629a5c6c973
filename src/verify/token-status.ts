import type { TokenClaims } from './read-claims.ts';

/** Asks whether a token is still good (RFC 7662): resolves with the answer's JSON, rejects when there is none. */
export type Introspect = (token: string, signal: AbortSignal) => Promise<unknown>;

export type Introspection = {
  ask: Introspect;
  /** How long an answer is waited for; 2000. */
  timeoutMs?: number;
  /** How long `active` is remembered, so how long a revoked token may still be taken; 0, at most 60. */
  rememberSeconds?: number;
};

export type TokenStatus = 'active' | 'inactive' | 'unknown';

const REMEMBERED = 10_000;
/** Claims that an answer may repeat (RFC 7662, section 2.2); those that it has are those of this token. */
const REPEATED = ['jti', 'sub', 'aud', 'iss', 'client_id', 'exp', 'iat', 'txn'] as const;

export class TokenStatuses {
  readonly #introspection: Introspection;
  readonly #activeUntil = new Map<string, number>();

  constructor(introspection: Introspection) {
    this.#introspection = introspection;
  }

  /** Everything but a clear yes is a no: `unknown` when there was no answer. `now` in ms since the epoch. */
  async of(token: string, claims: TokenClaims, clock: () => number): Promise<TokenStatus> {
    const remembered = this.#activeUntil.get(token);
    if (remembered !== undefined && clock() < remembered) return 'active';
    this.#activeUntil.delete(token);
    const { ask, timeoutMs = 2000, rememberSeconds = 0 } = this.#introspection;
    // From before the question: the answer may be about any time since.
    const asked = clock();
    let answer: unknown;
    try {
      answer = await within(timeoutMs, (signal) => ask(token, signal));
    } catch {
      return 'unknown';
    }
    if (typeof answer !== 'object' || answer === null || !('active' in answer)) return 'unknown';
    if (answer.active !== true) return 'inactive';
    if (REPEATED.some((name) => name in answer && (answer as Record<string, unknown>)[name] !== claims.all[name])) {
      return 'inactive';
    }
    if (rememberSeconds > 0) {
      if (this.#activeUntil.size >= REMEMBERED) this.#activeUntil.delete(this.#activeUntil.keys().next().value!);
      this.#activeUntil.set(token, asked + rememberSeconds * 1000);
    }
    return 'active';
  }
}

/** Also for a question that does not heed its signal. */
async function within<Answer>(ms: number, ask: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
  const signal = AbortSignal.timeout(ms);
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')));
    ask(signal).then(resolve, reject);
  });
}
