import { DPOP_ALGORITHMS } from '../identity/dpop.ts';

/**
 * The value of `WWW-Authenticate` for a bound token (RFC 9449, section 7.1), with `resource_metadata` of RFC 9728, section
 * 5.1. `error` is `null` when nothing was shown: RFC 6750, section 3, has no code for that.
 */
export function dpopChallenge(error: string | null, resourceMetadata?: string): string {
  const parameters = [
    ...(error === null ? [] : [`error="${error}"`]),
    `algs="${DPOP_ALGORITHMS.join(' ')}"`,
    ...(resourceMetadata === undefined ? [] : [`resource_metadata="${resourceMetadata}"`]),
  ];
  return `DPoP ${parameters.join(', ')}`;
}
