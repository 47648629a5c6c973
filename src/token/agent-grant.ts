import { InvalidClient } from '../core/errors.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';
import { verifySvid } from './verify-svid.ts';

export const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';

/** An agent for itself, at Remit's own API: its JWT-SVID as client assertion (draft-ietf-oauth-spiffe-client-auth-02). */
export async function agentGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { form } = exchange;
  if (form.client_assertion_type !== JWT_SPIFFE || form.client_assertion === undefined) {
    throw new InvalidClient(`authenticate with \`client_assertion_type\` \`${JWT_SPIFFE}\` and a JWT-SVID`);
  }
  const { agent, expiresAt } = await verifySvid(form.client_assertion, parts, InvalidClient);
  if (form.client_id !== undefined && form.client_id !== agent.id) {
    throw new InvalidClient('`client_id` is another workload');
  }
  exchange.subject = { kind: 'agent', agent };
  exchange.notAfter = expiresAt;
}
