import { DPOP_ALGORITHMS } from '../identity/dpop.ts';

/**
 * The value of `WWW-Authenticate` for a bound token (RFC 9449, section 7.1), with `resource_metadata` of RFC 9728, section
 * 5.1, and what a step-up needs, of RFC 9470, section 3. `error` is `null` when nothing was shown: RFC 6750, section 3, has no code for that.
 */
export function dpopChallenge(
  error: string | null,
  resourceMetadata?: string,
  stepUp?: { acrValues: readonly string[]; maxAgeSeconds: number | null },
): string {
  const parameters = [
    ...(error === null ? [] : [`error="${error}"`]),
    `algs="${DPOP_ALGORITHMS.join(' ')}"`,
    ...(stepUp === undefined || stepUp.acrValues.length === 0 ? [] : [`acr_values="${stepUp.acrValues.join(' ')}"`]),
    ...(stepUp === undefined || stepUp.maxAgeSeconds === null ? [] : [`max_age="${stepUp.maxAgeSeconds}"`]),
    ...(resourceMetadata === undefined ? [] : [`resource_metadata="${resourceMetadata}"`]),
  ];
  return `DPoP ${parameters.join(', ')}`;
}
