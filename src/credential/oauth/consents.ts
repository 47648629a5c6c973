/** Delegators let Remit act for them at a target: begun, completed, seen and withdrawn by themselves, on the record. */
import { createHash, randomBytes } from 'node:crypto';
import { validateAuthResponse } from 'oauth4webapi';
import type { CredentialConfig } from '../../config/credential.ts';
import { isLoopbackHttp } from '../../config/issuer-url.ts';
import { Conflict, CredentialUnavailable, InvalidRequest, NotFound } from '../../core/errors.ts';
import { sameDelegator, type Delegator } from '../../core/party.ts';
import type { DecisionRecord } from '../../core/record.ts';
import { authorize, type Asker, type AuthorizeParts, type OwnOperation } from '../../task/authorize.ts';
import { openValue } from '../sealed-value.ts';
import { consentName, consentTarget, keepConsent, type ConsentParts, type KeptConsent } from './consent.ts';
import { requestToken, revokeToken } from './token-endpoint.ts';

const KIND = 'consent';
const PENDING_MS = 10 * 60_000;
const MAX_PENDING = 1_000;
/** Of one person: the oldest gives way, so that nobody keeps others from theirs. */
const MAX_OF_ONE = 5;
const MAX_RESPONSE = 8 * 1024;

export type ConsentShown = { target: string; givenAt: number };

/** Of the person who asks alone: nobody sees or gives the consent of somebody else. */
export interface Consents {
  /** @throws Forbidden */
  list(asker: Asker): Promise<ConsentShown[]>;
  /**
   * Where the person has to go. What comes back arrives at `redirectUri` on their own machine (RFC 8252, section 7.3): a
   * consent that somebody else was talked into does not end up here.
   *
   * @throws Forbidden, InvalidRequest, NotFound, Conflict
   */
  begin(
    asker: Asker,
    request: { target: string; redirectUri: string },
  ): Promise<{ id: string; authorizationUrl: string; expiresAt: number }>;
  /** @param response the query that came back. @throws as `begin`, CredentialUnavailable when the server gives no token. */
  complete(asker: Asker, answer: { id: string; response: string }): Promise<ConsentShown>;
  /** From when this resolves on nothing is done by it. `revoked`: the server was told too; `null` where it cannot be. */
  withdraw(asker: Asker, target: string): Promise<{ target: string; revoked: boolean | null }>;
}

type Config = Extract<CredentialConfig, { kind: 'delegator' }>;

/** Those of these targets that delegators consent to. */
export function consentedTargets(
  targets: Iterable<{ name: string; credential?: CredentialConfig }>,
): ReadonlyMap<string, Config> {
  const found = new Map<string, Config>();
  for (const { name, credential } of targets) if (credential?.kind === 'delegator') found.set(name, credential);
  return found;
}

export type ConsentsParts = AuthorizeParts &
  ConsentParts & {
    /** Targets that delegators consent to. */
    configs: ReadonlyMap<string, Config>;
    /** Forgets the tokens that were got by an earlier consent. */
    forget: (target: string, delegator: Delegator) => void;
  };

/** What has been begun is in memory: after a restart it is begun again. */
type Pending = { target: string; by: Delegator; redirectUri: string; verifier: string; expiresAt: number };

export function createConsents(parts: ConsentsParts): Consents {
  const { store, clock, log } = parts;
  const pending = new Map<string, Pending>();

  const permit = (asker: Asker, operation: OwnOperation, target: string | null) =>
    authorize(
      asker,
      {
        operation,
        resources: target === null ? [] : [`target:${target}`],
        arguments: target === null ? {} : { target },
      },
      parts,
    );

  /** The permit is recorded although nothing came of it. */
  async function refuse(permitted: DecisionRecord, error: Error): Promise<never> {
    await log.append([permitted]);
    throw error;
  }

  function takePending(id: string, person: Delegator): Pending | null {
    const begun = pending.get(id);
    if (begun === undefined || !sameDelegator(begun.by, person)) return null;
    // Once, whatever comes of it.
    pending.delete(id);
    return clock() < begun.expiresAt ? begun : null;
  }

  async function keep(name: string, consent: KeptConsent, permitted: DecisionRecord): Promise<void> {
    const version = store.sealedVersion(KIND, name) + 1;
    if ((await keepConsent(name, consent, version, [permitted], parts)) === 'put') return;
    await refuse(permitted, new Conflict('another consent was given at the same moment; look at it and try again'));
  }

  return {
    list: async (asker) => {
      await log.append([await permit(asker, 'consent.read', null)]);
      const person = personOf(asker);
      return store.sealedValues(KIND).flatMap(({ name, at }) => {
        const target = consentTarget(name, person);
        return target === null ? [] : [{ target, givenAt: at }];
      });
    },
    begin: async (asker, { target, redirectUri }) => {
      const permitted = await permit(asker, 'consent.give', target);
      await log.append([permitted]);
      const person = personOf(asker);
      const config = parts.configs.get(target);
      if (config === undefined) throw new NotFound(`target \`${target}\` takes no consent of delegators`);
      if (!isLoopbackHttp(redirectUri)) {
        throw new InvalidRequest('`redirect_uri`: expected an http URL on a loopback address, where the person is');
      }
      const now = clock();
      for (const [id, { expiresAt }] of pending) if (expiresAt <= now) pending.delete(id);
      const own = [...pending].filter(([, { by }]) => sameDelegator(by, person));
      for (const [id] of own.slice(0, Math.max(0, own.length + 1 - MAX_OF_ONE))) pending.delete(id);
      if (pending.size >= MAX_PENDING) throw new Conflict('too many consents are under way; try again in some minutes');
      const id = parts.newId('cns');
      const verifier = randomBytes(32).toString('base64url');
      const expiresAt = now + PENDING_MS;
      pending.set(id, { target, by: person, redirectUri, verifier, expiresAt });
      return { id, authorizationUrl: authorizationUrl(config, { id, redirectUri, verifier }), expiresAt };
    },
    complete: async (asker, { id, response }) => {
      const target = pending.get(id)?.target ?? null;
      const permitted = await permit(asker, 'consent.give', target);
      const person = asker.agent === null ? asker.delegator : null;
      const begun = person === null ? null : takePending(id, person);
      const config = begun === null ? undefined : parts.configs.get(begun.target);
      if (person === null || begun === null || config === undefined) {
        return refuse(permitted, new NotFound('no such consent is under way; begin again'));
      }
      const issued = await redeem(config, begun, { id, response }, parts).catch((error: unknown) =>
        refuse(permitted, error instanceof Error ? error : new CredentialUnavailable('the server gave no token')),
      );
      const name = consentName(begun.target, person);
      await keep(name, issued, permitted);
      parts.forget(begun.target, person);
      return { target: begun.target, givenAt: clock() };
    },
    withdraw: async (asker, target) => {
      const permitted = await permit(asker, 'consent.withdraw', target);
      const person = asker.agent === null ? asker.delegator : null;
      const kept = person === null ? undefined : store.sealedValue(KIND, consentName(target, person));
      if (person === null || kept === undefined) {
        return refuse(permitted, new NotFound(`there is no consent of yours to \`${target}\``));
      }
      if ((await store.removeSealed(kept, [permitted])) === 'stale') {
        return refuse(permitted, new Conflict('it was changed at the same moment; look at it and try again'));
      }
      parts.forget(target, person);
      const config = parts.configs.get(target);
      if (config === undefined || config.revocationUrl === null) return { target, revoked: null };
      const { refreshToken, accessToken } = JSON.parse(openValue(kept, parts.keys)) as KeptConsent;
      const there = { ...config, revocationUrl: config.revocationUrl };
      const revoked = await revokeToken(there, refreshToken ?? accessToken, parts).then(
        () => true,
        () => false,
      );
      return { target, revoked };
    },
  };
}

/** @throws InvalidRequest for an agent: a person consents. */
function personOf({ agent, delegator }: Asker): Delegator {
  if (agent === null && delegator !== null) return delegator;
  throw new InvalidRequest('a person consents, for themselves');
}

/** RFC 6749, section 4.1.1; RFC 7636, section 4.3; RFC 8707, section 2. */
function authorizationUrl(
  config: Config,
  { id, redirectUri, verifier }: { id: string; redirectUri: string; verifier: string },
): string {
  const url = new URL(config.authorizationUrl);
  const query = {
    response_type: 'code',
    client_id: config.client.id,
    redirect_uri: redirectUri,
    state: id,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(config.scope === null ? {} : { scope: config.scope }),
    ...(config.resource === null ? {} : { resource: config.resource }),
    // OpenID Connect Core, section 11: without it a refresh token may be withheld.
    ...(config.scope?.split(' ').includes('offline_access') === true ? { prompt: 'consent' } : {}),
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

/** The code for tokens: RFC 6749, section 4.1.3, after the checks of `state`, `iss` (RFC 9207) and errors. */
async function redeem(
  config: Config,
  { redirectUri, verifier }: Pending,
  { id, response }: { id: string; response: string },
  parts: ConsentParts,
): Promise<KeptConsent> {
  const code = codeOf(config, id, response);
  const parameters = { code, redirect_uri: redirectUri, code_verifier: verifier };
  return requestToken({ ...config, scope: null }, 'authorization_code', parameters, parts);
}

function codeOf(config: Config, state: string, response: string): string {
  if (response.length > MAX_RESPONSE) throw new InvalidRequest('`response` is too long');
  const server = {
    issuer: config.issuer ?? new URL(config.tokenUrl).origin,
    authorization_response_iss_parameter_supported: config.issuer !== null,
  };
  const query = new URLSearchParams(response);
  // Checked where the issuer is known; a server that says it all the same is not asked for it.
  if (config.issuer === null) query.delete('iss');
  try {
    const code = validateAuthResponse(server, { client_id: config.client.id }, query, state).get('code');
    if (code !== null) return code;
  } catch {
    // What the server says is a text of somebody else's.
  }
  throw new InvalidRequest('the server gave no consent: it was refused, or the answer is of another request');
}
