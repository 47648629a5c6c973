import type { Decision } from '../../core/decision.ts';
import { RemitError, UseDpopNonce, type ErrorCode } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { ERROR_TABLE } from '../../server/error-table.ts';
import { challengesOf } from '../../token/challenge.ts';
import { refusalOf, RETRY_AFTER_MS } from '../refusal.ts';
import type { HttpAnswer } from './answer.ts';
import type { HttpExchange } from './request.ts';

/** Where a client learns how to get a token: RFC 9728, section 5.1. */
export type Challenge = {
  publicUrl: string;
  target: string;
  /** Whether the connection has a client certificate. */
  certified: boolean;
};

/** An answer of Remit's own: problem details (RFC 9457), so that it is told apart from what the target says. */
export function problemAnswer(
  problem: { code: string; title: string; status: number; detail: string } & { remit?: JsonObject },
  headers: Record<string, string> = {},
): HttpAnswer {
  const { code, title, status, detail, remit } = problem;
  const members = {
    type: `urn:remit:problem:${code}`,
    title,
    status,
    detail,
    ...(remit === undefined ? {} : { remit }),
  };
  return {
    kind: 'whole',
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(members),
  };
}

/** An error as an answer. A fault says `internal` and nothing else; a missing setting is the operator's to read. */
export function errorAnswer(error: unknown, challenge: Challenge): HttpAnswer {
  const known = error instanceof RemitError && error.code !== 'invalid_config' ? error : undefined;
  const code = known?.code ?? 'internal';
  const { status, title } = ERROR_TABLE[code];
  const detail = known?.message ?? 'something went wrong; the operator can find it in the log';
  return problemAnswer({ code, title, status, detail }, known === undefined ? {} : challengeHeaders(known, challenge));
}

function challengeHeaders(error: RemitError, challenge: Challenge): Record<string, string> {
  if (ERROR_TABLE[error.code].status !== 401) return {};
  const nonce: Record<string, string> = error instanceof UseDpopNonce ? { 'dpop-nonce': error.nonce } : {};
  return { 'www-authenticate': challengeOf(error.code, challenge), ...nonce };
}

function challengeOf(code: ErrorCode, { publicUrl, target, certified }: Challenge): string {
  const resourceMetadata = `${publicUrl}/.well-known/oauth-protected-resource/http/${target}`;
  const error = code === 'unauthenticated' ? null : ERROR_TABLE[code].oauth;
  return challengesOf(error, { resourceMetadata, certified });
}

/** A deny or hold, as step 5 answers it. For `recordStep`. */
export function refuse(exchange: HttpExchange & { decision: Decision }): HttpAnswer {
  const { text, remit } = refusalOf(exchange);
  const held = exchange.decision.outcome === 'hold';
  const waits = exchange.waitingFor?.state === 'pending';
  return problemAnswer(
    { code: held ? 'held' : 'denied', title: held ? 'Approval needed' : 'Denied', status: 403, detail: text, remit },
    waits ? { 'retry-after': String(RETRY_AFTER_MS / 1000) } : {},
  );
}
