/** What delegators have consented to at a target's authorisation server, for tasks of their own alone. */
import { CredentialUnavailable, ConsentRequired } from '../../core/errors.ts';
import { delegatorId, type Delegator } from '../../core/party.ts';
import type { CredentialConfig } from '../../config/credential.ts';
import { openValue, putValue, type SealedParts } from '../sealed-value.ts';
import { NOT_TO_BE_HAD } from '../secrets.ts';
import type { CredentialUse } from '../credential.ts';
import { requestToken, type IssuedToken, type TokenEndpointParts } from './token-endpoint.ts';

const KIND = 'consent';
/** As for tokens of tasks. */
const MARGIN_MS = 20_000;

/** Sealed: what the server gave for the delegator's consent. */
export type KeptConsent = { accessToken: string; expiresAt: number; refreshToken: string | null };

export type ConsentParts = TokenEndpointParts & SealedParts;

export function consentName(target: string, delegator: Pick<Delegator, 'issuer' | 'subject'>): string {
  return JSON.stringify([target, delegatorId(delegator)]);
}

/** The target of a consent, if it is of this delegator. */
export function consentTarget(name: string, delegator: Pick<Delegator, 'issuer' | 'subject'>): string | null {
  const [target, of] = JSON.parse(name) as [string, string];
  return of === delegatorId(delegator) ? target : null;
}

/** Gives access tokens by the delegator's consent; of one consent, one after the other. */
export function createConsented(
  config: Extract<CredentialConfig, { kind: 'delegator' }>,
  target: string,
  parts: ConsentParts,
): (use: CredentialUse) => Promise<IssuedToken> {
  const last = new Map<string, Promise<unknown>>();

  async function issue({ delegator }: CredentialUse): Promise<IssuedToken> {
    if (delegator === null) {
      throw new CredentialUnavailable(NOT_TO_BE_HAD, { detail: 'it is of a delegator, and so for tasks alone' });
    }
    const name = consentName(target, delegator);
    const sealed = parts.store.sealedValue(KIND, name);
    if (sealed === undefined) throw needed(target);
    const kept = JSON.parse(openValue(sealed, parts.keys)) as KeptConsent;
    if (kept.refreshToken === null) {
      if (parts.clock() < kept.expiresAt - MARGIN_MS) return { ...kept, shared: true };
      throw needed(target);
    }
    const issued = await requestToken(config, 'refresh_token', { refresh_token: kept.refreshToken }, parts);
    if (issued.refreshToken !== null && issued.refreshToken !== kept.refreshToken) {
      const put = await keepConsent(
        name,
        { ...kept, refreshToken: issued.refreshToken },
        sealed.version + 1,
        [],
        parts,
      );
      // It was given anew, or withdrawn: what was refreshed is of a consent that is no more.
      if (put === 'stale') throw needed(target);
    } else if (parts.store.sealedValue(KIND, name)?.version !== sealed.version) throw needed(target);
    return { ...issued, refreshToken: null };
  }

  return (use) => {
    const name = use.delegator === null ? '' : consentName(target, use.delegator);
    const run = () => issue(use);
    const next = (last.get(name) ?? Promise.resolve()).then(run, run);
    const settled = next.then(
      () => {},
      () => {},
    );
    last.set(name, settled);
    void settled.then(() => {
      if (last.get(name) === settled) last.delete(name);
    });
    return next;
  };
}

/**
 * Whether the delegator's consent stands, at each use: a token that was got by it is of no use once it was withdrawn.
 *
 * @throws ConsentRequired
 */
export function checkConsent({ delegator, target }: CredentialUse, { store }: Pick<ConsentParts, 'store'>): void {
  if (delegator !== null && store.sealedValue(KIND, consentName(target, delegator)) === undefined) throw needed(target);
}

export function keepConsent(
  name: string,
  kept: KeptConsent,
  version: number,
  records: Parameters<typeof putValue>[1],
  parts: ConsentParts,
): Promise<'put' | 'stale'> {
  const what = { kind: KIND, name, version, task: null, expiresAt: null, at: parts.clock() } as const;
  return putValue({ ...what, value: JSON.stringify(kept) }, records, parts);
}

function needed(target: string): ConsentRequired {
  return new ConsentRequired(
    `the delegator has to let remit act for them at \`${target}\` first: \`remit consent give ${target}\``,
  );
}
