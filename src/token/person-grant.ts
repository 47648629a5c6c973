import { InvalidGrant, InvalidRequest, InvalidToken } from '../core/errors.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/** A person, at Remit's own API: an ID token of a configured provider for a token that is bound to their key. */
export async function personGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { form } = exchange;
  if (form.actor_token !== undefined || form.client_assertion !== undefined) {
    throw new InvalidRequest('an agent acts for a person under a task; use its task token');
  }
  const { delegator, expiresAt } = await parts.idTokens.verify(form.subject_token!).catch((cause: unknown) => {
    throw cause instanceof InvalidToken ? new InvalidGrant('the ID token is not valid here', { cause }) : cause;
  });
  exchange.subject = { kind: 'person', person: delegator };
  exchange.notAfter = expiresAt;
}
