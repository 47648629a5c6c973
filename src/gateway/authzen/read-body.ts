import { isJsonContentType } from '@modelcontextprotocol/server';
import { InvalidRequest, TooLarge } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
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
  const body = parseStrictly(await readBytes(request, maxBytes));
  if (!isJsonObject(body)) throw new InvalidRequest('the body is not an object');
  return body;
}

/** No more is read than the limit. */
async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new TooLarge(`the body is larger than ${maxBytes} bytes`);
  const stated = request.headers.get('content-length');
  // HTTP holds a body to its stated length, so there is nothing to count.
  if (stated !== null && /^\d+$/.test(stated)) {
    if (Number(stated) > maxBytes) throw tooLarge();
    return new Uint8Array(await request.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
