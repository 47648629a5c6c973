import {
  Conflict,
  Forbidden,
  InsufficientUserAuthentication,
  InvalidRequest,
  InvalidToken,
  NotFound,
  RemitError,
  Unavailable,
} from '../core/errors.ts';
import type { Io } from './io.ts';

/** One call of Remit's API as the person of this command line. @throws the RemitError that the problem document names. */
export async function callApi<Answer>(io: Io, method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
  const session = await io.person();
  const response = await session.fetch(`${io.remitUrl}/v1${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const answer = (await response.json().catch(() => ({}))) as { type?: string; detail?: string };
  if (response.ok) return answer as Answer;
  throw problemError(answer.type, answer.detail ?? `status ${response.status}`);
}

function problemError(type: string | undefined, detail: string): RemitError {
  switch ((type ?? '').replace('urn:remit:problem:', '')) {
    case 'not_found':
      return new NotFound(detail);
    case 'forbidden':
      return new Forbidden(detail);
    case 'conflict':
      return new Conflict(detail);
    case 'invalid_token':
    case 'invalid_dpop_proof':
    case 'unauthenticated':
      return new InvalidToken(detail);
    case 'insufficient_user_authentication':
      return new InsufficientUserAuthentication(detail, { acrValues: [], maxAgeSeconds: null });
    case 'unavailable':
    case 'internal':
      return new Unavailable(detail);
    default:
      return new InvalidRequest(detail);
  }
}
