/** `remit/verify`: access tokens of Remit, checked by the resource that they are for, and attributions. See docs/verify.md. */
export {
  createAttributionVerifier,
  type Attribution,
  type AttributionOptions,
  type AttributionResult,
} from './attribution.ts';
export { createVerifier, type Verifier } from './verifier.ts';
export { followRevocations, type AskRemit, type FollowOptions, type Revocations } from './follow-revocations.ts';
export type { PresentedRequest } from './presented.ts';
export type { Actor, AuthorizationDetail, RefusalError, Refused, VerifiedToken, VerifyResult } from './result.ts';
export type { VerifierOptions } from './settings.ts';
export type { Introspect, Introspection } from './token-status.ts';
