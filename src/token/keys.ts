import { Conflict } from '../core/errors.ts';
import { authorize, type Asker, type AuthorizeParts } from '../task/authorize.ts';
import type { KeyStatus, TokenKey } from './signing-key.ts';

export type KeysShown = { keys: KeyStatus[]; encrypted: boolean };

/** Looking after the keys that sign tokens by hand: operations like any other, decided and recorded. */
export interface Keys {
  /** @throws Forbidden */
  list(asker: Asker): Promise<KeysShown>;
  /**
   * See `TokenKey.rotate`. The permit is recorded whatever came of it.
   *
   * @throws Forbidden, Conflict, Unavailable
   */
  rotate(asker: Asker, request: { now: boolean; leaked: boolean }): Promise<KeysShown>;
}

export function createKeys(parts: AuthorizeParts & { key: TokenKey }): Keys {
  const { key, log } = parts;
  const shown = () => ({ keys: key.status(), encrypted: key.encrypted });
  return {
    list: async (asker) => {
      await log.append([await authorize(asker, { operation: 'keys.read', resources: [], arguments: {} }, parts)]);
      return shown();
    },
    rotate: async (asker, { now, leaked }) => {
      const permit = await authorize(
        asker,
        { operation: 'keys.rotate', resources: [], arguments: { now, leaked } },
        parts,
      );
      await key.rotate({ now, leaked, permit }).catch(async (error: unknown) => {
        // Nothing has changed, and nothing of this is in the log yet.
        if (error instanceof Conflict) await log.append([permit]);
        throw error;
      });
      return shown();
    },
  };
}
