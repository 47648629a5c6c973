import { InvalidClient } from '../core/errors.ts';
import type { Agent } from '../core/party.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';
import type { TokenForm } from './form.ts';
import { verifySvid } from './verify-svid.ts';

export const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';

/** An agent for itself, at Remit's own API. */
export async function agentGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { agent, expiresAt } = await authenticateClient(exchange.form, parts);
  exchange.subject = { kind: 'agent', agent };
  exchange.notAfter = expiresAt;
}

/**
 * The JWT-SVID as client assertion (draft-ietf-oauth-spiffe-client-auth-02); `client_id`, where present, is the same.
 *
 * @throws InvalidClient
 */
export async function authenticateClient(
  form: TokenForm,
  parts: TokenEndpointParts,
): Promise<{ agent: Agent; expiresAt: number }> {
  if (form.client_assertion_type !== JWT_SPIFFE || form.client_assertion === undefined) {
    throw new InvalidClient(`authenticate with \`client_assertion_type\` \`${JWT_SPIFFE}\` and a JWT-SVID`);
  }
  const client = await verifySvid(form.client_assertion, parts, InvalidClient);
  checkClientId(form, client.agent);
  return client;
}

/** @throws InvalidClient when the request says that it comes from another client. */
export function checkClientId(form: TokenForm, agent: Agent): void {
  if (form.client_id !== undefined && form.client_id !== agent.id) {
    throw new InvalidClient('`client_id` is another workload');
  }
}
