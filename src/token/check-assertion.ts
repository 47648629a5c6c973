import { InvalidAssertion, InvalidToken } from '../core/errors.ts';
import { authenticateClient } from './agent-grant.ts';
import { readConfirmation, type TokenBinding } from './confirmation.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/**
 * An identity assertion (draft-ietf-oauth-identity-assertion-authz-grant-04, section 4.4), shown by the client that it is
 * for. INVARIANT 1: the client proves itself as at every grant, and is the one that the assertion names.
 */
export async function checkAssertion(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  if (exchange.grant !== 'assertion') return;
  const client = await authenticateClient(exchange, parts);
  const jag = await parts.idJags.verify(exchange.form.assertion!).catch((cause: unknown) => {
    throw cause instanceof InvalidToken
      ? new InvalidAssertion('the identity assertion is not valid here', { cause })
      : cause;
  });
  if (jag.clientId !== client.agent.id) throw new InvalidAssertion('the identity assertion is for another client');
  if (jag.confirmation !== undefined) checkBinding(jag.confirmation, exchange.binding);
  exchange.asserted = { ...jag, client };
}

/** What the provider bound to a key, only the holder of that key may show; the token is bound to the same one. */
function checkBinding(confirmation: unknown, proven: TokenBinding): void {
  let binding: TokenBinding;
  try {
    binding = readConfirmation(confirmation);
  } catch (cause) {
    throw new InvalidAssertion('the identity assertion is bound in a way that is not known here', { cause });
  }
  if (binding.kind !== proven.kind || binding.thumbprint !== proven.thumbprint) {
    throw new InvalidAssertion('the identity assertion is bound to another key');
  }
}
