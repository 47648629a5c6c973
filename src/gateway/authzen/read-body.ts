import { isJsonContentType } from '@modelcontextprotocol/server';
import { InvalidRequest, TooLarge } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { readBodyWithin } from '../../server/read-within.ts';
import { parseStrictly } from '../http/json-text.ts';

/**
 * The body of a call: an object of JSON in which every reader reads the same. Whoever asks acts on what they have sent, and the
 * record says what was read here.
 *
 * @throws InvalidRequest, TooLarge
 */
export async function readCall(request: Request, maxBytes: number): Promise<JsonObject> {
  if (!isJsonContentType(request.headers.get('content-type'))) {
    throw new InvalidRequest('the body must be `application/json`');
  }
  const bytes = await readBodyWithin(request, maxBytes);
  if (bytes === null) throw new TooLarge(`the body is larger than ${maxBytes} bytes`);
  const body = parseStrictly(bytes);
  if (!isJsonObject(body)) throw new InvalidRequest('the body is not an object');
  return body;
}
