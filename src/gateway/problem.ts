import { RemitError, UseDpopNonce } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { ERROR_TABLE } from '../server/error-table.ts';
import { challengesOf } from '../token/challenge.ts';

/** Where a client learns how to get a token: RFC 9728, section 5.1. */
export type Challenge = {
  /** `null` where it is not known for which target. */
  resourceMetadata: string | null;
  /** Whether the connection has a client certificate. */
  certified: boolean;
};

export type Problem = { status: number; headers: Record<string, string>; body: string };

/** An answer of Remit's own: problem details (RFC 9457). */
export function problemOf(
  problem: { code: string; title: string; status: number; detail: string } & { remit?: JsonObject },
  headers: Record<string, string> = {},
): Problem {
  const { code, title, status, detail, remit } = problem;
  const members = {
    type: `urn:remit:problem:${code}`,
    title,
    status,
    detail,
    ...(remit === undefined ? {} : { remit }),
  };
  return {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(members),
  };
}

/** An error as an answer. A fault says `internal` and nothing else; a missing setting is the operator's to read. */
export function errorProblem(error: unknown, challenge: Challenge): Problem {
  const known = error instanceof RemitError && error.code !== 'invalid_config' ? error : undefined;
  const code = known?.code ?? 'internal';
  const { status, title } = ERROR_TABLE[code];
  const detail = known?.message ?? 'something went wrong; the operator can find it in the log';
  return problemOf({ code, title, status, detail }, known === undefined ? {} : challengeHeaders(known, challenge));
}

function challengeHeaders(error: RemitError, { resourceMetadata, certified }: Challenge): Record<string, string> {
  if (ERROR_TABLE[error.code].status !== 401) return {};
  const nonce: Record<string, string> = error instanceof UseDpopNonce ? { 'dpop-nonce': error.nonce } : {};
  const code = error.code === 'unauthenticated' ? null : ERROR_TABLE[error.code].oauth;
  return { 'www-authenticate': challengesOf(code, { resourceMetadata, certified }), ...nonce };
}

/** Turned away before a decision: who did not prove who they are, and what could be read in two ways. */
export function isTurnedAway(error: unknown): error is RemitError {
  if (!(error instanceof RemitError) || error instanceof UseDpopNonce) return false;
  const { status } = ERROR_TABLE[error.code];
  return status === 401 || error.code === 'invalid_request' || error.code === 'too_large';
}
