/** Access tokens that a target's authorisation server has issued for a task: its alone, until it ends. */
import { CredentialUnavailable } from '../../core/errors.ts';
import { delegatorId, type Delegator } from '../../core/party.ts';
import type { CredentialUse } from '../credential.ts';
import { openValue, putValue, type SealedParts } from '../sealed-value.ts';
import { NOT_TO_BE_HAD } from '../secrets.ts';
import type { IssuedToken } from './token-endpoint.ts';

const KIND = 'task_token';
/** A token is replaced so long before it expires that a request with it arrives in time. */
const MARGIN_MS = 20_000;

export interface TaskTokens {
  /** INVARIANT 13: the token of exactly this task, delegator, target and policy set; of many that ask at once, one fetches it. */
  token(use: CredentialUse): Promise<IssuedToken>;
  /** The target takes it no more: another is fetched next time. */
  refused(accessToken: string): void;
  /** Ends what is in memory of the task. What is kept is ended by `taskTokenEnding`. */
  drop(task: string): void;
  /** Forgets what is in memory of tasks of this delegator: it was got by a consent that is no more. */
  forget(delegator: Pick<Delegator, 'issuer' | 'subject'>): void;
}

export type TaskTokenParts = SealedParts & {
  target: string;
  /** Whether a token of a task can be revoked at the server, and so has to be remembered until it is. */
  revocable: boolean;
  fetchToken: (use: CredentialUse) => Promise<IssuedToken>;
  isLive: (task: string) => boolean;
  clock: () => number;
  newId: (prefix: string) => string;
  /** Begins to revoke what is kept of a task that has ended meanwhile. */
  onLate: (task: string) => void;
};

type Entry = {
  task: string | null;
  delegator: string | null;
  issued: Promise<IssuedToken>;
  settled: IssuedToken | null;
};

export function createTaskTokens(parts: TaskTokenParts): TaskTokens {
  const entries = new Map<string, Entry>();

  async function fetched(use: CredentialUse): Promise<IssuedToken> {
    const issued = await parts.fetchToken(use);
    if (use.task === null) return issued;
    // What Remit itself cleans up with after the end is of no task any more, and ends by itself.
    if (use.policySet === null && !parts.isLive(use.task)) return issued;
    // Kept before it is used: after a crash the task's end still finds it.
    if (parts.revocable && issued.shared !== true) await keep(use.task, issued);
    if (parts.isLive(use.task)) return issued;
    parts.onLate(use.task);
    throw new CredentialUnavailable('the task has ended', { detail: 'the task ended while its token was fetched' });
  }

  async function keep(task: string, { accessToken, refreshToken, expiresAt }: IssuedToken): Promise<void> {
    const value = JSON.stringify({ target: parts.target, accessToken, refreshToken } satisfies KeptToken);
    const name = parts.newId('ttk');
    const at = parts.clock();
    await putValue({ kind: KIND, name, version: 1, value, task, expiresAt, at }, [], parts);
  }

  function isGood({ settled }: Entry): boolean {
    const now = parts.clock();
    return settled === null || now < settled.expiresAt - MARGIN_MS;
  }

  return {
    token: (use) => {
      const key = bindingOf(use);
      const known = entries.get(key);
      if (known !== undefined && isGood(known)) return waitFor(use.signal, known.issued);
      const { task } = use;
      // What is used after the end of a task is dropped by nobody else.
      for (const [old, each] of entries) if (!isGood(each)) entries.delete(old);
      const entry: Entry = { task, delegator: nameOf(use), issued: fetched(use), settled: null };
      entries.set(key, entry);
      entry.issued.then(
        (issued) => void (entry.settled = issued),
        () => {
          if (entries.get(key) === entry) entries.delete(key);
        },
      );
      return waitFor(use.signal, entry.issued);
    },
    refused: (accessToken) => {
      for (const [key, { settled }] of entries) if (settled?.accessToken === accessToken) entries.delete(key);
    },
    drop: (task) => {
      for (const [key, entry] of entries) if (entry.task === task) entries.delete(key);
    },
    forget: (delegator) => {
      const name = delegatorId(delegator);
      for (const [key, entry] of entries) if (entry.delegator === name) entries.delete(key);
    },
  };
}

/** What is kept of a token, sealed. */
export type KeptToken = { target: string; accessToken: string; refreshToken: string | null };

export async function openKeptToken(
  kept: Parameters<typeof openValue>[0],
  keys: SealedParts['keys'],
): Promise<KeptToken> {
  return JSON.parse(openValue(kept, keys)) as KeptToken;
}

function bindingOf(use: CredentialUse): string {
  return JSON.stringify([use.task, nameOf(use), use.target, use.policySet]);
}

function nameOf({ delegator }: CredentialUse): string | null {
  return delegator === null ? null : delegatorId(delegator);
}

/** What is fetched for many is not stopped when one of them goes away. */
function waitFor<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new CredentialUnavailable(NOT_TO_BE_HAD, { detail: 'the caller went away' }));
    if (signal.aborted) return gone();
    signal.addEventListener('abort', gone, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone));
  });
}
