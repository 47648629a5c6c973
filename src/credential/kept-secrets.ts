/** The encrypted store, looked after by people: operations like any other, decided and recorded. Values only come in. */
import { Conflict, InvalidRequest, NotFound } from '../core/errors.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';
import type { SealedStore } from '../store/ports.ts';
import { authorize, type Asker, type AuthorizeParts, type OwnOperation } from '../task/authorize.ts';
import type { Resealed, Resealing } from './reseal.ts';
import { openValue, putValue } from './sealed-value.ts';
import type { SecretReader } from './secrets.ts';
import { MIN_SECRET } from './strip.ts';

const KIND = 'secret';
const MAX_SECRET = 64 * 1024;

/** `at` in ms since the epoch: when this version was set. */
export type SecretShown = { name: string; version: number; at: number; targets: readonly string[] };

export interface KeptSecrets {
  /** @throws Forbidden */
  list(asker: Asker): Promise<SecretShown[]>;
  /** A secret that is not there yet. @throws Forbidden, InvalidRequest, Conflict, Unavailable */
  set(asker: Asker, secret: { name: string; value: string }): Promise<SecretShown>;
  /** Another value of one that is there: it is used from the next request on. @throws as `set`, NotFound */
  rotate(asker: Asker, secret: { name: string; value: string }): Promise<SecretShown>;
  /** @throws Forbidden, NotFound, Conflict */
  remove(asker: Asker, name: string): Promise<SecretShown>;
  /** Everything that is sealed is sealed with a new key. @throws Forbidden, Unavailable: what is done stays done. */
  reseal(asker: Asker): Promise<Resealed>;
}

export type KeptSecretParts = AuthorizeParts & {
  store: SealedStore;
  keys: SealingKeys;
  resealing: Pick<Resealing, 'renew'>;
  /** Targets whose credential names the secret. */
  usedBy: (name: string) => readonly string[];
};

export function createKeptSecrets(parts: KeptSecretParts): KeptSecrets {
  const { store, log, clock } = parts;
  const shown = ({ name, version, at }: { name: string; version: number; at: number }): SecretShown => ({
    name,
    version,
    at,
    targets: parts.usedBy(name),
  });
  const permit = (asker: Asker, operation: OwnOperation, name: string | null, version?: number) =>
    authorize(
      asker,
      {
        operation,
        resources: name === null ? [] : [`secret:${name}`],
        arguments: { ...(name === null ? {} : { name }), ...(version === undefined ? {} : { version }) },
      },
      parts,
    );

  async function put(
    asker: Asker,
    operation: 'secret.set' | 'secret.rotate',
    { name, value }: { name: string; value: string },
  ): Promise<SecretShown> {
    const version = store.sealedVersion(KIND, name) + 1;
    const permitted = await permit(asker, operation, name, version);
    const refuse = async (error: Error): Promise<never> => {
      await log.append([permitted]);
      throw error;
    };
    // Only who may set it learns whether it is there, or what is wrong with the value.
    const there = store.sealedValue(KIND, name) !== undefined;
    if (there && operation === 'secret.set') {
      return refuse(
        new Conflict(`secret \`${name}\` is there already; \`remit secret rotate\` gives it another value`),
      );
    }
    if (!there && operation === 'secret.rotate') {
      return refuse(new NotFound(`there is no secret \`${name}\`; \`remit secret set\` makes it`));
    }
    const problem = problemOf(value);
    if (problem !== null) return refuse(new InvalidRequest(problem));
    const kept = { kind: KIND, name, version, task: null, expiresAt: null, at: clock() } as const;
    if ((await putValue({ ...kept, value }, [permitted], parts)) === 'put') return shown(kept);
    return refuse(new Conflict(`secret \`${name}\` was changed at the same moment; look at it and try again`));
  }

  return {
    list: async (asker) => {
      await log.append([await permit(asker, 'secret.list', null)]);
      return store.sealedValues(KIND).map(shown);
    },
    set: (asker, secret) => put(asker, 'secret.set', secret),
    rotate: (asker, secret) => put(asker, 'secret.rotate', secret),
    remove: async (asker, name) => {
      const kept = store.sealedValue(KIND, name);
      const permitted = await permit(asker, 'secret.remove', name, kept?.version);
      if (kept === undefined) {
        await log.append([permitted]);
        throw new NotFound(`there is no secret \`${name}\``);
      }
      if ((await store.removeSealed(kept, [permitted])) === 'removed') return shown(kept);
      await log.append([permitted]);
      throw new Conflict(`secret \`${name}\` was changed at the same moment; look at it and try again`);
    },
    reseal: async (asker) => {
      await log.append([await permit(asker, 'secret.reseal', null)]);
      return parts.resealing.renew();
    },
  };
}

/** What credentials see of the store. */
export function createSecretReader({ store, keys }: { store: SealedStore; keys: SealingKeys }): SecretReader {
  /** The last one opened by each name: opening it again costs more than looking whether it is still the one. */
  const opened = new Map<string, { sealed: string; value: string }>();
  return {
    open: async (name) => {
      const kept = store.sealedValue(KIND, name);
      if (kept === undefined) {
        opened.delete(name);
        return null;
      }
      const { sealed, version } = kept;
      const known = opened.get(name);
      if (known?.sealed === sealed) return { value: known.value, version: String(version) };
      const value = openValue(kept, keys);
      opened.set(name, { sealed, value });
      return { value, version: String(version) };
    },
  };
}

function problemOf(value: string): string | null {
  if (!value.isWellFormed()) return '`value`: expected well-formed Unicode';
  if (value.length > MAX_SECRET) return `\`value\`: expected at most ${MAX_SECRET} characters`;
  if (value.length >= MIN_SECRET) return null;
  return `\`value\`: expected at least ${MIN_SECRET} characters: a shorter one could not be taken out of answers`;
}
