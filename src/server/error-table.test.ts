import { expect, test } from 'vitest';
import { ERROR_TABLE, tokenEndpointStatus } from './error-table.ts';

/** What clients, scripts and agents have been told. A change here is a change of the public surface. */
const PINNED: [code: string, http: number, token: number, oauth: string, rpc: number, exit: number][] = [
  ['invalid_request', 400, 400, 'invalid_request', -32600, 2],
  ['invalid_config', 500, 500, 'server_error', -32603, 78],
  ['unauthenticated', 401, 400, 'invalid_token', -32001, 4],
  ['invalid_token', 401, 400, 'invalid_token', -32001, 4],
  ['invalid_dpop_proof', 401, 400, 'invalid_dpop_proof', -32001, 4],
  ['use_dpop_nonce', 401, 400, 'use_dpop_nonce', -32001, 4],
  ['invalid_client', 401, 401, 'invalid_client', -32001, 4],
  ['invalid_grant', 400, 400, 'invalid_request', -32001, 4],
  ['invalid_assertion', 400, 400, 'invalid_grant', -32001, 4],
  ['invalid_target', 400, 400, 'invalid_target', -32600, 2],
  ['invalid_scope', 400, 400, 'invalid_scope', -32600, 2],
  ['invalid_authorization_details', 400, 400, 'invalid_authorization_details', -32600, 2],
  ['unsupported_grant_type', 400, 400, 'unsupported_grant_type', -32600, 2],
  ['forbidden', 403, 400, 'unauthorized_client', -32001, 3],
  ['approval_required', 403, 400, 'access_denied', -32001, 3],
  ['insufficient_user_authentication', 401, 400, 'insufficient_user_authentication', -32001, 4],
  ['not_found', 404, 404, 'invalid_request', -32000, 5],
  ['conflict', 409, 409, 'invalid_request', -32000, 6],
  ['gone', 410, 410, 'invalid_request', -32000, 6],
  ['too_large', 413, 413, 'invalid_request', -32600, 2],
  ['upstream_failed', 502, 502, 'temporarily_unavailable', -32010, 7],
  ['upstream_timeout', 504, 504, 'temporarily_unavailable', -32010, 7],
  ['credential_unavailable', 502, 502, 'temporarily_unavailable', -32010, 7],
  ['consent_required', 403, 400, 'access_denied', -32001, 3],
  ['unavailable', 503, 503, 'temporarily_unavailable', -32603, 7],
  ['internal', 500, 500, 'server_error', -32603, 1],
];

test('each failure looks on each surface as it is pinned here', () => {
  const actual = Object.entries(ERROR_TABLE).map(([code, { status, oauth, rpc, exit }]) => [
    code,
    status,
    tokenEndpointStatus(code as keyof typeof ERROR_TABLE),
    oauth,
    rpc,
    exit,
  ]);
  expect(actual).toEqual(PINNED);
});
