import { InvalidClient, InvalidGrant } from '../core/errors.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/** What is good only by the accepted difference of clocks carries no token: it would have expired when it is issued. */
export function checkLifetime(exchange: Exchange, parts: TokenEndpointParts): void {
  if (Math.floor(exchange.notAfter / 1000) > Math.floor(parts.clock() / 1000)) return;
  if (exchange.grant === 'agent' || exchange.grant === 'assertion')
    throw new InvalidClient('what the agent proves itself with has expired');
  throw new InvalidGrant('what the token would rest on has expired');
}
