/** Secrets where they are kept. Read at each use, so that one that was rotated is taken without a restart. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { nameOfPlace, type SecretPlace } from '../config/secret-place.ts';
import { CredentialUnavailable } from '../core/errors.ts';
import { runSecretCommand, SecretCommandFailed } from '../keys/secret-command.ts';
import { MIN_SECRET } from './strip.ts';

export type KeptSecret = {
  value: string;
  /** Where the place counts versions. */
  version: string | null;
};

export interface Secrets {
  /** @throws CredentialUnavailable, whose detail names the place and never holds what is there. */
  read(place: SecretPlace, signal: AbortSignal): Promise<KeptSecret>;
  /** What was read from a place that takes long to ask is asked for again next time. */
  forget(place: SecretPlace): void;
}

/** A vault of somebody else. */
export interface SecretVault {
  /** @throws Error, without what is in the vault. */
  read(secret: { path: string; field: string }, signal: AbortSignal): Promise<KeptSecret>;
}

/** The encrypted store of Remit itself, as far as credentials see it. */
export interface SecretReader {
  /** `null` when there is none by this name. @throws Error */
  open(name: string): Promise<KeptSecret | null>;
}

export type SecretsParts = {
  env: Record<string, string | undefined>;
  store: SecretReader;
  vaults: ReadonlyMap<string, SecretVault>;
  clock: () => number;
};

/** How long what a command or a vault gave is used: a rotation there is seen after so long, or when the target refuses it. */
const REMEMBER_MS = 30_000;
const MAX_SECRET = 64 * 1024;

export function createSecrets(parts: SecretsParts): Secrets {
  const remembered = new Map<string, { until: number; secret: Promise<KeptSecret> }>();

  function ask(place: SecretPlace, signal: AbortSignal): Promise<KeptSecret> | KeptSecret {
    if ('fromEnv' in place) return { value: envValue(place.fromEnv), version: null };
    if ('fromFile' in place) return { value: withoutLineEnd(readFileSync(place.fromFile, 'utf8')), version: null };
    if ('fromStore' in place) return fromStore(place.fromStore);
    return slowly(place, signal);
  }

  function envValue(name: string): string {
    const value = parts.env[name];
    if (value === undefined) throw new Error('the variable is not set');
    return value;
  }

  async function fromStore(name: string): Promise<KeptSecret> {
    const kept = await parts.store.open(name);
    if (kept === null) throw new Error(`there is none by this name: set it with \`remit secret set ${name}\``);
    return kept;
  }

  /** Of many that ask at once, one does; it is not stopped when its own caller goes away, since others wait for it too. */
  function slowly(place: Extract<SecretPlace, { fromCommand: unknown } | { fromVault: unknown }>, signal: AbortSignal) {
    const key = keyOf(place);
    const now = parts.clock();
    const known = remembered.get(key);
    // A clock that jumped back must not keep it for longer.
    if (known !== undefined && now < known.until && known.until - now <= REMEMBER_MS)
      return until(signal, known.secret);
    const secret = 'fromCommand' in place ? fromCommand(place) : fromVault(place);
    const entry = { until: now + REMEMBER_MS, secret };
    remembered.set(key, entry);
    secret.catch(() => {
      if (remembered.get(key) === entry) remembered.delete(key);
    });
    return until(signal, secret);
  }

  async function fromCommand({ fromCommand: command, folder }: Extract<SecretPlace, { fromCommand: unknown }>) {
    const printed = await runSecretCommand(command, { folder, env: parts.env, maxBytes: MAX_SECRET }).catch(
      (error: unknown) => {
        throw error instanceof SecretCommandFailed ? new Error(`the command ${error.message}`) : error;
      },
    );
    return { value: withoutLineEnd(printed), version: null };
  }

  async function fromVault({ fromVault: { vault, path, field } }: Extract<SecretPlace, { fromVault: unknown }>) {
    const port = parts.vaults.get(vault);
    if (port === undefined) throw new Error('the vault is not configured');
    return port.read({ path, field }, AbortSignal.timeout(VAULT_TIMEOUT_MS));
  }

  return {
    read: async (place, signal) => {
      try {
        const secret = await ask(place, signal);
        if (secret.value.length > MAX_SECRET) throw new Error('it is too long');
        if (secret.value.length < MIN_SECRET) {
          throw new Error(`it is shorter than ${MIN_SECRET} characters, which could not be taken out of answers`);
        }
        return secret;
      } catch (cause) {
        throw unavailable(place, cause);
      }
    },
    forget: (place) => void remembered.delete(keyOf(place)),
  };
}

const VAULT_TIMEOUT_MS = 5_000;

function keyOf(place: SecretPlace): string {
  return createHash('sha256').update(JSON.stringify(place)).digest('hex');
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** `work`, unless the caller goes away first. */
function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the caller went away', { cause: signal.reason }));
    if (signal.aborted) return gone();
    signal.addEventListener('abort', gone, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone));
  });
}

/** What every failure to have a credential says to an agent: what to do, and not where the secret is kept. */
export const NOT_TO_BE_HAD =
  'the credential that remit holds for the target is not to be had; ask an operator to check it';

function unavailable(place: SecretPlace, cause: unknown): CredentialUnavailable {
  const why = cause instanceof Error ? cause.message : 'unknown error';
  return new CredentialUnavailable(NOT_TO_BE_HAD, { detail: `secret \`${nameOfPlace(place)}\`: ${why}` });
}
