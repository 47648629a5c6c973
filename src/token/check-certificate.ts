import { InvalidClient, InvalidToken } from '../core/errors.ts';
import type { ClientRequest, Exchange, TokenEndpointParts } from './exchange.ts';
import type { Workload } from './verify-workload.ts';

/**
 * Who the client is by the X.509-SVID of its TLS connection (draft-ietf-oauth-spiffe-client-auth-02; RFC 8705, section 2).
 * `client_id` has to say so: a certificate that is on the connection for another reason authenticates nobody.
 *
 * @throws InvalidClient
 */
export function certifiedClient({ form, http }: ClientRequest, parts: TokenEndpointParts): Workload {
  if (http.certificate === null) throw new InvalidClient('no client certificate was shown');
  if (form.client_id === undefined) {
    throw new InvalidClient('`client_id` is missing; with a client certificate it is the SPIFFE ID');
  }
  let client: Workload;
  try {
    client = parts.x509Svids.verifyX509Svid(http.certificate.chain);
  } catch (cause) {
    throw cause instanceof InvalidToken ? new InvalidClient('the X.509-SVID is not valid here', { cause }) : cause;
  }
  // A client of the configuration is proven by its own keys, and by nothing else (docs/adr/0022).
  if (parts.clientAssertions.knows(client.agent.id)) throw new InvalidClient('the X.509-SVID is not valid here');
  if (form.client_id !== client.agent.id) throw new InvalidClient('`client_id` is another workload');
  return client;
}

/**
 * RFC 8705, section 3. INVARIANT 1: a token that is bound to a certificate is its workload's, and ends with it, whatever
 * else was shown.
 */
export function checkCertificate(exchange: Exchange, parts: TokenEndpointParts): void {
  if (exchange.binding.kind !== 'mtls') return;
  const { subject } = exchange;
  const { agent, expiresAt } = certifiedClient(exchange, parts);
  if (subject.kind === 'person' || subject.agent.id !== agent.id) {
    throw new InvalidClient('the client certificate is another workload than the actor');
  }
  exchange.notAfter = Math.min(exchange.notAfter, expiresAt);
}
