import { CLIENT_ALGORITHMS } from '../config/client.ts';
import { DPOP_ALGORITHMS } from '../identity/dpop.ts';
import { JWT_BEARER, JWT_SPIFFE } from './agent-grant.ts';
import { TOKEN_EXCHANGE } from './check-grant-type.ts';

/** How a client authenticates. A person is none, and asks for a token with an ID token alone. */
const CLIENT_METHODS = ['spiffe_jwt', 'private_key_jwt'];

/** RFC 8414: what the token service offers. */
export function authorizationServerMetadata(issuer: string): Record<string, unknown> {
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    revocation_endpoint: `${issuer}/revoke`,
    introspection_endpoint: `${issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: CLIENT_METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: [...CLIENT_ALGORITHMS],
    response_types_supported: [],
    grant_types_supported: [TOKEN_EXCHANGE, 'client_credentials'],
    token_endpoint_auth_methods_supported: ['none', ...CLIENT_METHODS],
    token_endpoint_auth_signing_alg_values_supported: [...CLIENT_ALGORITHMS],
    revocation_endpoint_auth_methods_supported: CLIENT_METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: [...CLIENT_ALGORITHMS],
    client_assertion_types_supported: [JWT_SPIFFE, JWT_BEARER],
    dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
    authorization_details_types_supported: ['remit_grant'],
  };
}

/** RFC 9728: one resource of this server, and that it takes bound tokens only. */
export function protectedResourceMetadata(issuer: string, resource: string): Record<string, unknown> {
  return {
    resource,
    authorization_servers: [issuer],
    jwks_uri: `${issuer}/jwks`,
    // RFC 9728, section 2: how a bearer token may be presented. None may.
    bearer_methods_supported: [],
    dpop_bound_access_tokens_required: true,
    dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
    authorization_details_types_supported: ['remit_grant'],
  };
}
