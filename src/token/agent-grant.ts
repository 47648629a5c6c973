import { InvalidClient } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import { certifiedClient } from './check-certificate.ts';
import type { ClientRequest, Exchange, TokenEndpointParts } from './exchange.ts';
import type { ClientForm } from './form.ts';
import { provenBy, verifyWorkload, type Workload } from './verify-workload.ts';

export const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
/** RFC 7523, section 2.2. */
export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** An agent for itself, at Remit's own API. */
export async function agentGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { agent, expiresAt } = await authenticateClient(exchange, parts);
  exchange.subject = { kind: 'agent', agent };
  exchange.notAfter = expiresAt;
}

/**
 * Who the client is: a JWT-SVID by its own assertion type (draft-ietf-oauth-spiffe-client-auth-02), an OIDC token of a
 * workload issuer, or what a configured client has signed itself (`private_key_jwt`), as an ordinary one (RFC 7523,
 * section 3), or without an assertion the X.509-SVID of the connection. `client_id`, where present, is the same.
 *
 * @throws InvalidClient
 */
export async function authenticateClient(shown: ClientRequest, parts: TokenEndpointParts): Promise<Workload> {
  const { client_assertion_type: type, client_assertion: assertion } = shown.form;
  if (assertion === undefined && type === undefined && shown.http.certificate !== null) {
    return certifiedClient(shown, parts);
  }
  if (assertion === undefined || (type !== JWT_SPIFFE && type !== JWT_BEARER)) {
    throw new InvalidClient(
      `authenticate with \`client_assertion_type\` \`${JWT_SPIFFE}\` and a JWT-SVID, or \`${JWT_BEARER}\` and an OIDC token or a client's own`,
    );
  }
  // INVARIANT 1: the type says what the token is, and the token must agree.
  if ((provenBy(assertion, parts) === 'svid') !== (type === JWT_SPIFFE))
    throw new InvalidClient(`the assertion is no \`${type}\``);
  const client = await verifyWorkload(assertion, shown, parts, InvalidClient);
  checkClientId(shown.form, client.agent);
  return client;
}

/** @throws InvalidClient when the request says that it comes from another client. */
export function checkClientId(form: ClientForm, agent: Agent): void {
  if (form.client_id !== undefined && form.client_id !== agent.id) {
    throw new InvalidClient('`client_id` is another workload');
  }
}
