import type { Context } from 'hono';
import type { Refusals } from '../audit/refusals.ts';
import { Forbidden, InsufficientUserAuthentication, RemitError, UseDpopNonce } from '../core/errors.ts';
import { ERROR_TABLE } from './error-table.ts';
import { peerOf } from './peer-of.ts';

/**
 * Records who was turned away before a decision. At `/v1` that is who did not prove who they are: what is refused to
 * somebody known is in the record of a decision. So is what policy refuses at the token endpoints.
 */
export function recordRefused(c: Context, error: unknown, refusals: Refusals): void {
  if (!(error instanceof RemitError) || error instanceof UseDpopNonce) return;
  const { status } = ERROR_TABLE[error.code];
  const api = c.req.path.startsWith('/v1/');
  const decided = error instanceof Forbidden || error.cause instanceof Forbidden;
  // Who has to sign in more strongly is known, and the refusal recorded where it was made.
  if (error instanceof InsufficientUserAuthentication) return;
  const refused = api ? status === 401 : status < 500 && !decided;
  if (refused) refusals.refused({ at: api ? '/v1' : c.req.path, error, source: peerOf(c).address });
}
