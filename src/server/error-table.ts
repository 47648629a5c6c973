import type { ErrorCode } from '../core/errors.ts';

/** How one failure looks on each surface. */
export type ErrorSurface = {
  /** HTTP status. */
  status: 400 | 401 | 403 | 404 | 409 | 410 | 413 | 500 | 502 | 503 | 504;
  /** RFC 9457 `title`. */
  title: string;
  /** RFC 6749, 8693, 8707, 9396 and 9449 error code at the token endpoint and in `WWW-Authenticate`. */
  oauth: string;
  /** JSON-RPC error code at the MCP gateway. */
  rpc: number;
  /** Exit code of the command line. */
  exit: number;
};

/** The one table of expected failures. Pinned by a test with literal values. */
export const ERROR_TABLE: Readonly<Record<ErrorCode | 'internal', ErrorSurface>> = {
  invalid_request: { status: 400, title: 'Invalid request', oauth: 'invalid_request', rpc: -32600, exit: 2 },
  invalid_config: { status: 500, title: 'Invalid configuration', oauth: 'server_error', rpc: -32603, exit: 78 },
  unauthenticated: { status: 401, title: 'Authentication needed', oauth: 'invalid_token', rpc: -32001, exit: 4 },
  invalid_token: { status: 401, title: 'Invalid token', oauth: 'invalid_token', rpc: -32001, exit: 4 },
  invalid_dpop_proof: { status: 401, title: 'Invalid DPoP proof', oauth: 'invalid_dpop_proof', rpc: -32001, exit: 4 },
  use_dpop_nonce: { status: 401, title: 'DPoP nonce needed', oauth: 'use_dpop_nonce', rpc: -32001, exit: 4 },
  invalid_client: { status: 401, title: 'Invalid client', oauth: 'invalid_client', rpc: -32001, exit: 4 },
  // RFC 8693, section 2.2.2: a subject or actor token that is not good is an `invalid_request`.
  invalid_grant: { status: 400, title: 'Invalid grant', oauth: 'invalid_request', rpc: -32001, exit: 4 },
  invalid_assertion: { status: 400, title: 'Invalid assertion', oauth: 'invalid_grant', rpc: -32001, exit: 4 },
  invalid_target: { status: 400, title: 'Invalid target', oauth: 'invalid_target', rpc: -32600, exit: 2 },
  invalid_scope: { status: 400, title: 'Invalid scope', oauth: 'invalid_scope', rpc: -32600, exit: 2 },
  invalid_authorization_details: {
    status: 400,
    title: 'Invalid authorization details',
    oauth: 'invalid_authorization_details',
    rpc: -32600,
    exit: 2,
  },
  unsupported_grant_type: {
    status: 400,
    title: 'Unsupported grant type',
    oauth: 'unsupported_grant_type',
    rpc: -32600,
    exit: 2,
  },
  forbidden: { status: 403, title: 'Forbidden', oauth: 'unauthorized_client', rpc: -32001, exit: 3 },
  approval_required: { status: 403, title: 'Approval needed', oauth: 'access_denied', rpc: -32001, exit: 3 },
  insufficient_user_authentication: {
    status: 401,
    title: 'Stronger authentication needed',
    oauth: 'insufficient_user_authentication',
    rpc: -32001,
    exit: 4,
  },
  not_found: { status: 404, title: 'Not found', oauth: 'invalid_request', rpc: -32000, exit: 5 },
  conflict: { status: 409, title: 'Conflict', oauth: 'invalid_request', rpc: -32000, exit: 6 },
  gone: { status: 410, title: 'Gone', oauth: 'invalid_request', rpc: -32000, exit: 6 },
  too_large: { status: 413, title: 'Too large', oauth: 'invalid_request', rpc: -32600, exit: 2 },
  upstream_failed: { status: 502, title: 'Target failed', oauth: 'temporarily_unavailable', rpc: -32010, exit: 7 },
  upstream_timeout: { status: 504, title: 'Target timed out', oauth: 'temporarily_unavailable', rpc: -32010, exit: 7 },
  credential_unavailable: {
    status: 502,
    title: 'Credential unavailable',
    oauth: 'temporarily_unavailable',
    rpc: -32010,
    exit: 7,
  },
  consent_required: { status: 403, title: 'Consent needed', oauth: 'access_denied', rpc: -32001, exit: 3 },
  unavailable: { status: 503, title: 'Unavailable', oauth: 'temporarily_unavailable', rpc: -32603, exit: 7 },
  internal: { status: 500, title: 'Internal error', oauth: 'server_error', rpc: -32603, exit: 1 },
};

/** RFC 6749, section 5.2: 400 for what a resource would answer with 401 or 403, but for client authentication. */
export function tokenEndpointStatus(code: ErrorCode | 'internal'): ErrorSurface['status'] {
  const { status } = ERROR_TABLE[code];
  return code !== 'invalid_client' && (status === 401 || status === 403) ? 400 : status;
}
