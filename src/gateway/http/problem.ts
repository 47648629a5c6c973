import type { Decision } from '../../core/decision.ts';
import { errorProblem, problemOf } from '../problem.ts';
import { refusalOf, RETRY_AFTER_MS } from '../refusal.ts';
import type { HttpAnswer } from './answer.ts';
import type { HttpExchange } from './request.ts';

/** Who is told how to get a token, and for what. */
export type Challenge = {
  publicUrl: string;
  target: string;
  /** Whether the connection has a client certificate. */
  certified: boolean;
};

/** An error as an answer of Remit's own: problem details (RFC 9457), so that it is told apart from what the target says. */
export function errorAnswer(error: unknown, { publicUrl, target, certified }: Challenge): HttpAnswer {
  const resourceMetadata = `${publicUrl}/.well-known/oauth-protected-resource/http/${target}`;
  return { kind: 'whole', ...errorProblem(error, { resourceMetadata, certified }) };
}

/** An answer of Remit's own. */
export function problemAnswer(...problem: Parameters<typeof problemOf>): HttpAnswer {
  return { kind: 'whole', ...problemOf(...problem) };
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
