import { InvalidRequest } from '../core/errors.ts';
import type { Exchange } from './exchange.ts';
import { readForm, TOKEN_PARAMETERS } from './form.ts';

/** RFC 6749, section 3.2: a form, each parameter at most once. */
export function checkForm(exchange: Exchange): void {
  exchange.form = readForm(exchange.http.contentType, exchange.http.body, TOKEN_PARAMETERS);
  // Section 3.3 would let us ignore it; a client that asks for less must not silently get more.
  if (exchange.form.scope !== undefined) {
    throw new InvalidRequest('`scope` is not used here; narrow a token with `authorization_details`');
  }
}
