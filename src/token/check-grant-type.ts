import { InvalidRequest, UnsupportedGrantType } from '../core/errors.ts';
import type { Exchange, GrantKind, TokenEndpointParts } from './exchange.ts';
import { TASK_TOKEN_TYPE } from './task-token.ts';

/** RFC 8693, section 2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** RFC 7523, section 2.1; here for identity assertions, and for no other JWT. */
export const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** RFC 8693, section 3. */
export const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token';
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

export function checkGrantType(exchange: Exchange, { identityAssertions }: TokenEndpointParts): void {
  exchange.grant = grantKind(exchange.form, identityAssertions);
}

function grantKind(form: Exchange['form'], identityAssertions: boolean): GrantKind {
  if (form.grant_type === undefined) throw new InvalidRequest('`grant_type` is missing');
  if (form.grant_type === 'client_credentials') return 'agent';
  if (form.grant_type === JWT_BEARER_GRANT && identityAssertions) {
    if (form.assertion === undefined) throw new InvalidRequest('`assertion` is missing');
    return 'assertion';
  }
  if (form.grant_type !== TOKEN_EXCHANGE) throw new UnsupportedGrantType('the grant type is not supported');
  if (form.requested_token_type !== undefined && form.requested_token_type !== ACCESS_TOKEN_TYPE) {
    throw new InvalidRequest('`requested_token_type`: only access tokens are issued');
  }
  if (form.subject_token === undefined) throw new InvalidRequest('`subject_token` is missing');
  // RFC 8693, section 2.1: the type is required with an actor token, and not allowed without one.
  if ((form.actor_token === undefined) !== (form.actor_token_type === undefined)) {
    throw new InvalidRequest('`actor_token` and `actor_token_type` go together');
  }
  if (form.subject_token_type === TASK_TOKEN_TYPE) return 'task';
  if (form.subject_token_type === ID_TOKEN_TYPE) return 'person';
  throw new InvalidRequest(`\`subject_token_type\`: expected \`${TASK_TOKEN_TYPE}\` or \`${ID_TOKEN_TYPE}\``);
}
