import { dpopChallenge } from '../token/challenge.ts';

/** One link of the chain of actors (RFC 8693, section 4.1). */
export type Actor = {
  sub: string;
  /** Who vouches for the actor: for an agent its trust domain. */
  iss: string;
};

/** One element of `authorization_details` (RFC 9396, section 2). What the members mean is up to its `type`. */
export type AuthorizationDetail = { readonly type: string; readonly [member: string]: unknown };

/** An access token that was issued for this resource, is still good, and was shown by who it is bound to. */
export type VerifiedToken = {
  /** `jti`. */
  id: string;
  issuer: string;
  audience: string;
  /** On whose behalf: issuer and subject of the delegator, with a bar between. */
  subject: string;
  /** SPIFFE ID of the agent that calls. */
  agent: string;
  /** The agent that calls first. Those after it are what Remit states, not what they have just proven. */
  actors: readonly Actor[];
  /** The task that the call is part of. */
  task: string;
  /** `txn`: the root task, the same for all that a piece of work causes. */
  transaction: string;
  authorizationDetails: readonly AuthorizationDetail[];
  /** Milliseconds since the epoch. */
  issuedAt: number;
  expiresAt: number;
  /** What the caller proved to hold: a key by DPoP, or the key of a certificate by mTLS. */
  binding: 'dpop' | 'mtls';
  /** Thumbprint of the key (RFC 7638), or of the certificate (RFC 8705, section 3.1). */
  key: string;
  /** How the delegator has signed in (OIDC Core, section 2), where it is stated. `authTime` in seconds since the epoch. */
  acr?: string;
  authTime?: number;
  /** All claims as they are. */
  claims: Readonly<Record<string, unknown>>;
};

export type RefusalError =
  /** No access token was shown. */
  | 'missing_token'
  | 'invalid_token'
  | 'invalid_dpop_proof'
  /** The status of the token cannot be known now, so it is not taken. */
  | 'temporarily_unavailable';

export type Refused = {
  ok: false;
  error: RefusalError;
  /** HTTP status of the answer. */
  status: 401 | 503;
  /** Value of `WWW-Authenticate`; `null` for a 503. */
  challenge: string | null;
  /** What was wrong, for the log of the resource. Holds nothing of the token or the proof. */
  reason: string;
};

export type VerifyResult = { ok: true; token: VerifiedToken } | Refused;

/** RFC 6750, section 3.1, and RFC 9449, section 7.1. */
export function refused(error: RefusalError, reason: string, resourceMetadata?: string): Refused {
  if (error === 'temporarily_unavailable') return { ok: false, error, status: 503, challenge: null, reason };
  const challenge = dpopChallenge(error === 'missing_token' ? null : error, resourceMetadata);
  return { ok: false, error, status: 401, challenge, reason };
}
