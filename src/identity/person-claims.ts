import type { JWTPayload } from 'jose';
import type { PeopleProvider } from '../config/identity-config.ts';
import { readClaim } from '../core/claim.ts';
import type { Delegator } from '../core/party.ts';

/** OpenID Connect Core, section 3.1.3.7 (12, 13): asking for a context or an age binds nobody, so both are checked. */
export function checkStrength(payload: JWTPayload, provider: PeopleProvider, now: number, skewSeconds: number): void {
  const { requiredAcr, maxAuthAgeSeconds } = provider;
  const acr = payload['acr'];
  const authTime = payload['auth_time'];
  if (requiredAcr !== null && !(typeof acr === 'string' && requiredAcr.includes(acr))) throw new Error('acr');
  if (authTime === undefined && maxAuthAgeSeconds === null) return;
  if (typeof authTime !== 'number' || authTime > now + skewSeconds) throw new Error('auth_time');
  if (maxAuthAgeSeconds !== null && now - authTime > maxAuthAgeSeconds + skewSeconds)
    throw new Error('auth_time is old');
}

/** The person whom the claims of a provider name. Throws when they name nobody. */
export function delegatorOf(payload: JWTPayload, provider: PeopleProvider): Delegator {
  const { sub } = payload;
  if (sub === undefined || sub === '') throw new Error('sub');
  const groups = readClaim(payload, provider.groupsClaim) ?? [];
  if (!Array.isArray(groups) || groups.some((group) => typeof group !== 'string')) throw new Error('groups');
  const text = (claim: string) => (typeof payload[claim] === 'string' ? payload[claim] : undefined);
  const name = text('name');
  const verified = payload['email_verified'] ?? true;
  const email = verified === true ? text('email') : undefined;
  const acr = text('acr');
  const amr = payload['amr'];
  const authTime = payload['auth_time'];
  return {
    issuer: provider.issuer,
    subject: sub,
    groups,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    ...(acr === undefined ? {} : { acr }),
    ...(Array.isArray(amr) ? { amr: amr.filter((method) => typeof method === 'string') } : {}),
    ...(typeof authTime === 'number' ? { authTime } : {}),
  };
}
