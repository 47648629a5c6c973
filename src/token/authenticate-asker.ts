import { InvalidClient, InvalidRequest, InvalidToken, Unauthenticated } from '../core/errors.ts';
import type { Asker } from '../task/authorize.ts';
import { authenticateClient } from './agent-grant.ts';
import type { Authenticator } from './authenticate.ts';
import { provenKey } from './check-proof.ts';
import type { TokenEndpointParts, TokenRequest } from './exchange.ts';
import type { ClientForm } from './form.ts';

export type AskerParts = TokenEndpointParts & { authenticator: Authenticator };

/**
 * Who asks at an endpoint about tokens (RFC 7009 and RFC 7662, section 2.1 of each): a client that authenticates as at the
 * token endpoint, or whoever holds a token of Remit's own API, with a proof for `path`. An assertion needs no proof beside
 * it, since nothing is issued here that it could be bound to (docs/adr/0020); one that is shown must be good.
 *
 * @throws InvalidClient, InvalidRequest, InvalidDpopProof
 */
export async function authenticateAsker(
  http: TokenRequest,
  form: ClientForm,
  path: string,
  parts: AskerParts,
): Promise<Asker> {
  const { headers, request, certificate } = http;
  const url = `${parts.issuer}${path}`;
  if (!headers.has('authorization')) {
    const thumbprint = headers.has('dpop') ? await provenKey(headers, url, parts.dpop) : undefined;
    const proven = thumbprint === undefined ? {} : { binding: { kind: 'dpop' as const, thumbprint } };
    const { agent } = await authenticateClient({ http, form, ...proven }, parts);
    return { agent, delegator: null, token: null, request };
  }
  // RFC 6749, section 2.3.
  if (form.client_assertion !== undefined) throw new InvalidRequest('authenticate by one method, not by two');
  const caller = parts.authenticator.authenticate(
    { method: 'POST', url, headers, certificate: certificate?.thumbprint },
    `${parts.issuer}/v1`,
  );
  const { agent, delegator, token } = await caller.catch((cause: unknown) => {
    const unproven = cause instanceof InvalidToken || cause instanceof Unauthenticated;
    throw unproven ? new InvalidClient(cause.message, { cause }) : cause;
  });
  return { agent, delegator, token, request };
}
