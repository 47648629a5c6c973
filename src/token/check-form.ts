import type { Exchange } from './exchange.ts';
import { readForm, TOKEN_PARAMETERS } from './form.ts';

/** RFC 6749, section 3.2: a form, each parameter at most once. */
export function checkForm(exchange: Exchange): void {
  exchange.form = readForm(exchange.http.contentType, exchange.http.body, TOKEN_PARAMETERS);
}
