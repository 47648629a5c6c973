import { CLIENT_ALGORITHMS } from '../config/client.ts';
import { EFFECTS } from '../core/effect.ts';
import { DPOP_ALGORITHMS } from '../identity/dpop.ts';
import { JWT_BEARER, JWT_SPIFFE } from './agent-grant.ts';
import { JWT_BEARER_GRANT, TOKEN_EXCHANGE } from './check-grant-type.ts';

const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag';

/** What listener and configuration make possible. */
export type Offered = {
  /** Remit ends TLS itself and asks for client certificates. */
  clientCertificates: boolean;
  /** Identity assertions of some provider are taken. */
  identityAssertions: boolean;
};

/** RFC 8414, and for certificates RFC 8705, section 3.3: what the token service offers. */
export function authorizationServerMetadata(issuer: string, offered: Offered): Record<string, unknown> {
  // A person is no client, and asks for a token with an ID token alone.
  const clients = ['spiffe_jwt', ...(offered.clientCertificates ? ['spiffe_x509'] : []), 'private_key_jwt'];
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    revocation_endpoint: `${issuer}/revoke`,
    introspection_endpoint: `${issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: clients,
    introspection_endpoint_auth_signing_alg_values_supported: [...CLIENT_ALGORITHMS],
    response_types_supported: [],
    grant_types_supported: [
      TOKEN_EXCHANGE,
      'client_credentials',
      ...(offered.identityAssertions ? [JWT_BEARER_GRANT] : []),
    ],
    // draft-ietf-oauth-identity-assertion-authz-grant-04, section 7.2.
    ...(offered.identityAssertions ? { authorization_grant_profiles_supported: [ID_JAG_PROFILE] } : {}),
    token_endpoint_auth_methods_supported: ['none', ...clients],
    token_endpoint_auth_signing_alg_values_supported: [...CLIENT_ALGORITHMS],
    revocation_endpoint_auth_methods_supported: clients,
    revocation_endpoint_auth_signing_alg_values_supported: [...CLIENT_ALGORITHMS],
    client_assertion_types_supported: [JWT_SPIFFE, JWT_BEARER],
    dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
    ...(offered.clientCertificates ? { tls_client_certificate_bound_access_tokens: true } : {}),
    authorization_details_types_supported: ['remit_grant'],
    scopes_supported: [...EFFECTS],
  };
}

/** RFC 9728, section 2: one resource of this server, and that it takes bound tokens only. */
export function protectedResourceMetadata(
  issuer: string,
  resource: string,
  { clientCertificates }: Offered,
): Record<string, unknown> {
  return {
    resource,
    authorization_servers: [issuer],
    jwks_uri: `${issuer}/jwks`,
    // How a `Bearer` token may be presented: not at all, but for one that is bound to the certificate of the connection.
    bearer_methods_supported: clientCertificates ? ['header'] : [],
    dpop_bound_access_tokens_required: !clientCertificates,
    ...(clientCertificates ? { tls_client_certificate_bound_access_tokens: true } : {}),
    dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
    authorization_details_types_supported: ['remit_grant'],
  };
}
