import { readConfirmation, type TokenBinding } from '../token/confirmation.ts';
import type { Actor, AuthorizationDetail } from './result.ts';

/** What a token of a task says (RFC 9068, section 2.2, and what Remit adds), with every shape checked. */
export type TokenClaims = {
  jti: string;
  sub: string;
  iat: number;
  exp: number;
  actors: Actor[];
  task: string;
  txn: string;
  authorizationDetails: AuthorizationDetail[];
  /** Exactly one: the token is bound to a key or to a certificate. */
  binding: TokenBinding;
  acr?: string;
  authTime?: number;
  all: Readonly<Record<string, unknown>>;
};

export type ClaimRules = {
  audience: string;
  /** Seconds. */
  maxLifetimeSeconds: number;
  maxActors: number;
  now: number;
  skewSeconds: number;
};

const MAX_TEXT = 2048;
const MAX_DETAILS = 100;
/** A SHA-256 digest in base64url. */
const THUMBPRINT = /^[\w-]{43}$/;

/** What is wrong with the claims of a token whose signature is good. Its message names a claim, and never a value. */
export class ClaimProblem extends Error {}

/**
 * The claims of a signed payload, whose `iss`, `aud`, `exp` and `nbf` were checked.
 *
 * @throws ClaimProblem
 */
export function readClaims(payload: Readonly<Record<string, unknown>>, rules: ClaimRules): TokenClaims {
  const { iat, exp } = readTimes(payload, rules);
  // RFC 8707: one audience a token. A list that happens to hold this one was not made for it.
  if (payload['aud'] !== rules.audience) throw new ClaimProblem('`aud` is not this resource alone');
  const actors = readActors(payload['act'], rules.maxActors);
  // The outermost actor is who presents the token, and whom it was issued to.
  if (actors[0]?.sub !== payload['client_id']) throw new ClaimProblem('`act` is not of the `client_id`');
  const { acr, auth_time: authTime } = payload;
  return {
    jti: text(payload, 'jti'),
    sub: text(payload, 'sub'),
    iat,
    exp,
    actors,
    task: text(payload, 'task'),
    txn: text(payload, 'txn'),
    authorizationDetails: readDetails(payload['authorization_details']),
    binding: readBinding(payload['cnf']),
    ...(acr === undefined ? {} : { acr: text(payload, 'acr') }),
    ...(authTime === undefined ? {} : { authTime: number(payload, 'auth_time') }),
    all: payload,
  };
}

export function readTimes(
  payload: Readonly<Record<string, unknown>>,
  rules: Pick<ClaimRules, 'now' | 'skewSeconds' | 'maxLifetimeSeconds'>,
): { iat: number; exp: number } {
  const iat = number(payload, 'iat');
  const exp = number(payload, 'exp');
  if (iat > rules.now / 1000 + rules.skewSeconds) throw new ClaimProblem('`iat` is in the future');
  if (exp <= iat || exp - iat > rules.maxLifetimeSeconds) throw new ClaimProblem('`exp` is further off than accepted');
  return { iat, exp };
}

/** Each actor has `sub` and `iss`; a chain that is too deep is refused, and never cut. */
export function readActors(act: unknown, max: number): Actor[] {
  const actors: Actor[] = [];
  for (let level: unknown = act; level !== undefined; level = (level as { act?: unknown }).act) {
    if (!isObject(level)) throw new ClaimProblem('`act` is not an actor');
    if (actors.length === max) throw new ClaimProblem('`act` is deeper than accepted');
    actors.push({ sub: text(level, 'sub', 'act.sub'), iss: text(level, 'iss', 'act.iss') });
  }
  if (actors.length === 0) throw new ClaimProblem('`act` is missing');
  return actors;
}

function readDetails(value: unknown): AuthorizationDetail[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_DETAILS) {
    throw new ClaimProblem('`authorization_details` is not a list of what is granted');
  }
  return value.map((detail: unknown) => {
    if (!isObject(detail)) throw new ClaimProblem('`authorization_details` holds what is no object');
    return { ...detail, type: text(detail, 'type', 'authorization_details.type') };
  });
}

/** A token without a binding, with two, or with one more that cannot be checked here, is not taken. */
function readBinding(cnf: unknown): TokenBinding {
  try {
    const binding = readConfirmation(cnf);
    if (THUMBPRINT.test(binding.thumbprint) && Object.keys(cnf as object).length === 1) return binding;
  } catch {
    // Said below.
  }
  throw new ClaimProblem('`cnf` is not one binding');
}

/** @throws ClaimProblem */
export function text(from: Readonly<Record<string, unknown>>, name: string, called = name): string {
  const value = from[name];
  if (typeof value === 'string' && value !== '' && value.length <= MAX_TEXT) return value;
  throw new ClaimProblem(`\`${called}\` is missing or is no text`);
}

function number(from: Readonly<Record<string, unknown>>, name: string): number {
  const value = from[name];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new ClaimProblem(`\`${name}\` is missing or is no number`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
