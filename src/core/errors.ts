/**
 * Expected failures: one class for each code of a closed union. A denial is not among them, it is a `Decision`.
 * Anything that is not a `RemitError` is a fault and is shown to callers as `internal`.
 */
export type ErrorCode =
  | 'invalid_request'
  | 'invalid_config'
  | 'unauthenticated'
  | 'invalid_token'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_assertion'
  | 'invalid_target'
  | 'invalid_scope'
  | 'invalid_authorization_details'
  | 'unsupported_grant_type'
  | 'forbidden'
  | 'approval_required'
  | 'insufficient_user_authentication'
  | 'not_found'
  | 'conflict'
  | 'gone'
  | 'too_large'
  | 'upstream_failed'
  | 'upstream_timeout'
  | 'credential_unavailable'
  | 'consent_required'
  | 'unavailable';

/**
 * `message` is public: lower case, no final stop, never a token, key or secret. `detail` is for the operator's log.
 */
export abstract class RemitError extends Error {
  abstract readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.detail = options.detail;
  }
}

/** The request itself is malformed. */
export class InvalidRequest extends RemitError {
  readonly code = 'invalid_request';
}
/** The configuration cannot be used; the message names file, line, field and what is expected. */
export class InvalidConfig extends RemitError {
  readonly code = 'invalid_config';
}
/** No credential was shown. */
export class Unauthenticated extends RemitError {
  readonly code = 'unauthenticated';
}
/** A credential was shown and is not good: forged, expired, for another audience, or not bound to the caller's key. */
export class InvalidToken extends RemitError {
  readonly code = 'invalid_token';
}
/** RFC 9449: the DPoP proof is missing, malformed, stale, replayed, or for another request. */
export class InvalidDpopProof extends RemitError {
  readonly code = 'invalid_dpop_proof';
}
/** RFC 9449 §8 and §9: the proof needs the nonce that the answer brings. Not a refusal: the client asks again. */
export class UseDpopNonce extends RemitError {
  readonly code = 'use_dpop_nonce';
  readonly nonce: string;

  constructor(nonce: string) {
    super('the proof needs a nonce; make another with the one in `DPoP-Nonce`');
    this.nonce = nonce;
  }
}
/** RFC 6749 §5.2: client authentication failed. */
export class InvalidClient extends RemitError {
  readonly code = 'invalid_client';
}
/** RFC 6749 §5.2: the grant (subject or actor token) is not good. */
export class InvalidGrant extends RemitError {
  readonly code = 'invalid_grant';
}
/** RFC 7521 §4.1.1: the assertion that is the grant is not good. */
export class InvalidAssertion extends RemitError {
  readonly code = 'invalid_assertion';
}
/** RFC 8707 §2: the resource is unknown. */
export class InvalidTarget extends RemitError {
  readonly code = 'invalid_target';
}
/** RFC 6749 §5.2: the scope is unknown, malformed or wider than what the task grants. */
export class InvalidScope extends RemitError {
  readonly code = 'invalid_scope';
}
/** RFC 9396 §5: the authorization details are malformed or wider than what the task grants. */
export class InvalidAuthorizationDetails extends RemitError {
  readonly code = 'invalid_authorization_details';
}
export class UnsupportedGrantType extends RemitError {
  readonly code = 'unsupported_grant_type';
}
/** The caller is known and may not do this. Carries no more than that. */
export class Forbidden extends RemitError {
  readonly code = 'forbidden';
}
/** A person has to say yes first: `approval` waits for that. The same request goes through afterwards, once. */
export class ApprovalRequired extends RemitError {
  readonly code = 'approval_required';
  readonly approval: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;

  constructor(message: string, { id, expiresAt }: { id: string; expiresAt: number }) {
    super(message);
    this.approval = id;
    this.expiresAt = expiresAt;
  }
}
/** RFC 9470: the person has to sign in again, more strongly or just now. */
export class InsufficientUserAuthentication extends RemitError {
  readonly code = 'insufficient_user_authentication';
  readonly acrValues: readonly string[];
  readonly maxAgeSeconds: number | null;

  constructor(message: string, needed: { acrValues: readonly string[]; maxAgeSeconds: number | null }) {
    super(message);
    this.acrValues = needed.acrValues;
    this.maxAgeSeconds = needed.maxAgeSeconds;
  }
}
export class NotFound extends RemitError {
  readonly code = 'not_found';
}
/** The thing is no longer in the state that the request assumes. */
export class Conflict extends RemitError {
  readonly code = 'conflict';
}
/** What the request goes on from is not kept any more; the message says how to begin anew. */
export class Gone extends RemitError {
  readonly code = 'gone';
}
export class TooLarge extends RemitError {
  readonly code = 'too_large';
}
/** The target could not be reached, died, or answered nonsense. */
export class UpstreamFailed extends RemitError {
  readonly code = 'upstream_failed';
  /** The target refused the request as it stood, and so has done nothing. */
  readonly refused: boolean;

  constructor(message: string, options: { detail?: string; cause?: unknown; refused?: boolean } = {}) {
    super(message, options);
    this.refused = options.refused ?? false;
  }
}
export class UpstreamTimeout extends RemitError {
  readonly code = 'upstream_timeout';
}
/** The target's own credential is not to be had now. Nothing was sent to the target. */
export class CredentialUnavailable extends RemitError {
  readonly code = 'credential_unavailable';
}
/** The delegator has to let Remit act for them at the target first. Nothing was sent to the target. */
export class ConsentRequired extends RemitError {
  readonly code = 'consent_required';
}
/** Remit itself cannot serve now, for example because the log cannot be written. */
export class Unavailable extends RemitError {
  readonly code = 'unavailable';
}
