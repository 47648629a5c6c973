import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import {
  ApprovalRequired,
  InsufficientUserAuthentication,
  InvalidClient,
  InvalidDpopProof,
  InvalidRequest,
  InvalidToken,
  RemitError,
  Unauthenticated,
  UseDpopNonce,
} from '../core/errors.ts';
import { dpopChallenge } from '../token/challenge.ts';
import { accessRequestTask } from './access-request.ts';
import { ERROR_TABLE, tokenEndpointStatus } from './error-table.ts';

export type FaultLog = { error(details: object, message: string): void };

/** RFC 9457 problem details. `type` is a stable URN with the code. Faults are logged in full and shown as `internal`. */
export function problemResponse(
  c: Context,
  error: unknown,
  parts: { log: FaultLog; resourceMetadata: string; publicUrl: string },
): Response {
  const known = knownError(error);
  if (known === undefined) parts.log.error({ err: error }, 'fault');
  const code = known?.code ?? 'internal';
  const { status, title } = ERROR_TABLE[code];
  if (known !== undefined && PROVEN_ANEW.some((kind) => known instanceof kind)) {
    c.header('WWW-Authenticate', challenge(known, parts.resourceMetadata));
  }
  offerNonce(c, known);
  const detail = known?.message ?? 'something went wrong; the operator can find it in the log';
  return c.body(
    JSON.stringify({ type: `urn:remit:problem:${code}`, title, status, detail, ...moreOf(known, parts.publicUrl) }),
    status,
    {
      'content-type': 'application/problem+json',
    },
  );
}

function moreOf(error: RemitError | undefined, publicUrl: string): object {
  if (error instanceof ApprovalRequired) {
    const { approval: id, expiresAt } = error;
    return { approval: id, access_request: accessRequestTask({ id, status: 'pending', expiresAt }, publicUrl) };
  }
  if (!(error instanceof InsufficientUserAuthentication)) return {};
  const { acrValues, maxAgeSeconds } = error;
  return {
    ...(acrValues.length === 0 ? {} : { acr_values: acrValues }),
    ...(maxAgeSeconds === null ? {} : { max_age: maxAgeSeconds }),
  };
}

/** What a caller can mend by proving themselves otherwise. */
const PROVEN_ANEW = [Unauthenticated, InvalidToken, InvalidDpopProof, UseDpopNonce, InsufficientUserAuthentication];

function offerNonce(c: Context, error: RemitError | undefined): void {
  if (error instanceof UseDpopNonce) c.header('DPoP-Nonce', error.nonce);
}

export function challenge(error: RemitError, resourceMetadata: string): string {
  const code = error instanceof Unauthenticated ? null : ERROR_TABLE[error.code].oauth;
  return dpopChallenge(code, resourceMetadata, error instanceof InsufficientUserAuthentication ? error : undefined);
}

/** RFC 6749, section 5.2. A fault is logged in full and says no more than that there was one. */
export function oauthErrorResponse(c: Context, error: unknown, log: FaultLog): Response {
  const known = knownError(error);
  if (known === undefined) log.error({ err: error }, 'fault at an OAuth endpoint');
  const code = known?.code ?? 'internal';
  const description = known?.message ?? 'something went wrong; the operator can find it in the log';
  offerNonce(c, known);
  if (known instanceof InvalidClient && c.req.header('authorization') !== undefined) {
    // RFC 6749, section 5.2: who tried it by this header is told how it is done.
    c.header('WWW-Authenticate', dpopChallenge(null));
  }
  return c.json(
    { error: ERROR_TABLE[code].oauth, error_description: describable(description) },
    tokenEndpointStatus(code),
  );
}

/** The characters that section 5.2 allows in a description; what a client sent may hold others. */
function describable(text: string): string {
  return text.replace(/"/g, "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}

/** What a caller may read. A setting that is missing or wrong is the operator's to read, and so is any fault. */
function knownError(error: unknown): RemitError | undefined {
  if (error instanceof RemitError) return error.code === 'invalid_config' ? undefined : error;
  return malformed(error);
}

/** A malformed request that the router found before a handler ran is as expected as one that a handler finds. */
function malformed(error: unknown): InvalidRequest | undefined {
  if (!(error instanceof HTTPException) || error.status >= 500) return undefined;
  return new InvalidRequest('send a body of JSON, and say so in Content-Type', { cause: error });
}
