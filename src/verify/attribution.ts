import { errors, type JSONWebKeySet } from 'jose';
import { fetchJsonOverHttp } from '../identity/fetch-json.ts';
import { KeySet } from '../identity/key-set.ts';
import { ATTRIBUTION_SECONDS, ATTRIBUTION_TYP } from '../token/attribution-form.ts';
import { ClaimProblem, readActors, readTimes, text } from './read-claims.ts';
import type { Actor } from './result.ts';
import { FOLLOW, isSecure } from './settings.ts';

export type AttributionOptions = {
  /** Remit's public URL, exactly as it is in `iss`. */
  issuer: string;
  /** The name of this target at Remit. An attribution for another is refused. */
  target: string;
  /** Where the keys are, or the keys themselves; `<issuer>/jwks`. */
  jwks?: string | JSONWebKeySet;
  /** Accepted difference between clocks, seconds; 30, at most 59. */
  skewSeconds?: number;
  /** Milliseconds since the epoch; `Date.now`. */
  clock?: () => number;
};

/** Who did what for whom, by Remit's word. It permits nothing: it says what Remit has permitted. */
export type Attribution = {
  /** The record of the decision; once for each call. To be kept in this target's own log. */
  record: string;
  /** Whom the agent acts for. */
  subject: string;
  /** The SPIFFE ID of the agent that acts, and the chain that handed it the task, nearest first. */
  agent: string;
  actors: Actor[];
  task: string;
  /** The task that it all began with. */
  transaction: string;
  operation: string;
  effect: string;
  /** Milliseconds since the epoch. */
  issuedAt: number;
};

export type AttributionResult = { ok: true; attribution: Attribution } | { ok: false; reason: string };

const MAX_HEADER = 16 * 1024;
const MAX_ACTORS = 17;

/**
 * Verifies the header `Remit-Attribution` at the target that it is for. Never rejects for what a caller shows.
 *
 * @throws TypeError for options that would check nothing.
 */
export function createAttributionVerifier(
  options: AttributionOptions,
): (header: string | null | undefined) => Promise<AttributionResult> {
  const { issuer, target, skewSeconds = 30, clock = Date.now } = options;
  const jwks = options.jwks ?? `${issuer}/jwks`;
  const must = (holds: boolean, problem: string) => {
    if (!holds) throw new TypeError(`createAttributionVerifier: ${problem}`);
  };
  must(isSecure(issuer) && !issuer.endsWith('/'), '`issuer` is not an https URL without a slash at its end');
  must(typeof target === 'string' && target !== '', '`target` is missing; it names this target');
  must(typeof jwks === 'string' ? isSecure(jwks) : Array.isArray(jwks.keys), '`jwks` is not an https URL or a key set');
  must(skewSeconds >= 0 && skewSeconds <= 59, '`skewSeconds` is not from 0 to 59');
  const keys =
    typeof jwks === 'string'
      ? new KeySet({ uri: jwks }, fetchJsonOverHttp, FOLLOW)
      : new KeySet({ uri: 'given' }, () => Promise.resolve(jwks));
  const expected = {
    typ: ATTRIBUTION_TYP,
    issuer,
    audience: target,
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'iat', 'jti', 'sub', 'act'],
    clockTolerance: skewSeconds,
  };
  return async (header) => {
    if (typeof header !== 'string' || header === '') return { ok: false, reason: 'there is no attribution' };
    if (header.length > MAX_HEADER) return { ok: false, reason: 'the attribution is too long' };
    try {
      const now = clock();
      const { payload } = await keys.verify(header, expected, now);
      return { ok: true, attribution: read(payload, target, { now, skewSeconds }) };
    } catch (error) {
      return { ok: false, reason: reasonOf(error) };
    }
  };
}

function read(
  payload: Readonly<Record<string, unknown>>,
  target: string,
  times: { now: number; skewSeconds: number },
): Attribution {
  if (payload['aud'] !== target) throw new ClaimProblem('`aud` is not this target alone');
  const { iat } = readTimes(payload, { ...times, maxLifetimeSeconds: ATTRIBUTION_SECONDS });
  const actors = readActors(payload['act'], MAX_ACTORS);
  return {
    record: text(payload, 'jti'),
    subject: text(payload, 'sub'),
    agent: actors[0]!.sub,
    actors,
    task: text(payload, 'task'),
    transaction: text(payload, 'txn'),
    operation: text(payload, 'operation'),
    effect: text(payload, 'effect'),
    issuedAt: iat * 1000,
  };
}

/** In words that hold nothing of what was shown. */
function reasonOf(error: unknown): string {
  if (error instanceof ClaimProblem) return error.message;
  if (error instanceof errors.JWTExpired) return 'the attribution has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `\`${error.claim}\` is not accepted`;
  if (error instanceof errors.JOSEError) return 'the attribution is not signed by a key of the issuer';
  return 'the keys of the issuer cannot be read';
}
