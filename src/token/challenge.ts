import { DPOP_ALGORITHMS } from '../identity/dpop.ts';

/** What a sign-in lacks (RFC 9470, section 3). */
export type StepUp = { acrValues: readonly string[]; maxAgeSeconds: number | null };

/**
 * The value of `WWW-Authenticate` for a bound token (RFC 9449, section 7.1), with `resource_metadata` of RFC 9728, section
 * 5.1, and what a step-up needs. `error` is `null` when nothing was shown: RFC 6750, section 3, has no code for that.
 */
export function dpopChallenge(error: string | null, resourceMetadata?: string, stepUp?: StepUp): string {
  return challengeOf('DPoP', error, [`algs="${DPOP_ALGORITHMS.join(' ')}"`], { resourceMetadata, stepUp });
}

/**
 * The challenge of a connection: behind a client certificate a token may be bound to that, and is then shown as `Bearer`
 * (RFC 8705, section 3), so that scheme is named beside the other (RFC 9110, section 11.6.1).
 */
export function challengesOf(
  error: string | null,
  about: { resourceMetadata: string | null; stepUp?: StepUp | undefined; certified: boolean },
): string {
  const resourceMetadata = about.resourceMetadata ?? undefined;
  const dpop = dpopChallenge(error, resourceMetadata, about.stepUp);
  if (!about.certified) return dpop;
  return `${dpop}, ${challengeOf('Bearer', error, [], { resourceMetadata, stepUp: about.stepUp })}`;
}

function challengeOf(
  scheme: string,
  error: string | null,
  own: readonly string[],
  { resourceMetadata, stepUp }: { resourceMetadata: string | undefined; stepUp?: StepUp | undefined },
): string {
  const parameters = [
    ...(error === null ? [] : [`error="${error}"`]),
    ...own,
    ...(stepUp === undefined || stepUp.acrValues.length === 0 ? [] : [`acr_values="${stepUp.acrValues.join(' ')}"`]),
    ...(stepUp === undefined || stepUp.maxAgeSeconds === null ? [] : [`max_age="${stepUp.maxAgeSeconds}"`]),
    ...(resourceMetadata === undefined ? [] : [`resource_metadata="${resourceMetadata}"`]),
  ];
  return `${scheme} ${parameters.join(', ')}`;
}
