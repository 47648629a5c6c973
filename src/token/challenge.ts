import { DPOP_ALGORITHMS } from '../identity/dpop.ts';

/**
 * The value of `WWW-Authenticate` for a bound token (RFC 9449, section 7.1), with `resource_metadata` of RFC 9728, section
 * 5.1. `error` is `null` when nothing was shown: RFC 6750, section 3, has no code for that.
 */
export function dpopChallenge(error: string | null, resourceMetadata?: string): string {
  return challengeOf('DPoP', error, [`algs="${DPOP_ALGORITHMS.join(' ')}"`], resourceMetadata);
}

/**
 * The challenge of a connection: behind a client certificate a token may be bound to that, and is then shown as `Bearer`
 * (RFC 8705, section 3), so that scheme is named beside the other (RFC 9110, section 11.6.1).
 */
export function challengesOf(error: string | null, resourceMetadata: string, certified: boolean): string {
  const dpop = dpopChallenge(error, resourceMetadata);
  return certified ? `${dpop}, ${challengeOf('Bearer', error, [], resourceMetadata)}` : dpop;
}

function challengeOf(scheme: string, error: string | null, own: readonly string[], resourceMetadata?: string): string {
  const parameters = [
    ...(error === null ? [] : [`error="${error}"`]),
    ...own,
    ...(resourceMetadata === undefined ? [] : [`resource_metadata="${resourceMetadata}"`]),
  ];
  return `${scheme} ${parameters.join(', ')}`;
}
