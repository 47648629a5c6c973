import type { RevokedTokenStore } from '../store/ports.ts';
import type { Ending } from './ending.ts';

export type TokenEndingParts = {
  store: Pick<RevokedTokenStore, 'tokensOf' | 'revokeTokensOf'>;
  clock: () => number;
  /** How long after its expiry a token is remembered as revoked. */
  keepMs: number;
};

/** Access tokens that were issued under the task: revoked, so that introspection and remembered verdicts say so too. */
export function tokenEnding({ store, clock, keepMs }: TokenEndingParts): Ending {
  return {
    kind: 'tokens',
    end: (task) => {
      const now = clock();
      return store.tokensOf(task, now).length === 0 ? [] : store.revokeTokensOf(task, now, keepMs);
    },
    outstanding: (task) => store.tokensOf(task, clock()),
  };
}
