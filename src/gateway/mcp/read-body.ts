import { isJsonContentType } from '@modelcontextprotocol/server';
import { findJsonHazard, isJsonObject, type JsonValue } from '../../core/json.ts';
import { readBodyWithin } from '../../server/read-within.ts';
import { jsonAnswer, type McpAnswer } from './answer.ts';
import { isMessageId, readMessage, RPC, rpcError, type Message } from './message.ts';

const MAX_DEPTH = 64;

export type ReadBody = { read: Message } | { refused: McpAnswer };

/**
 * Reads one JSON-RPC message from a POST. What goes upstream is written anew from what was read here, so that both
 * sides of the gateway see the same message whatever the text held (doubled members, for one).
 */
export async function readBody(request: Request, maxBytes: number): Promise<ReadBody> {
  if (!isJsonContentType(request.headers.get('content-type'))) {
    return refused(415, RPC.session, 'the body must be `application/json`');
  }
  const bytes = await readBodyWithin(request, maxBytes);
  if (bytes === null) return refused(413, RPC.session, `the body is larger than ${maxBytes} bytes`);
  let value: JsonValue;
  try {
    // Bytes that are no UTF-8 become U+FFFD here, and go upstream as that.
    value = JSON.parse(new TextDecoder().decode(bytes)) as JsonValue;
  } catch {
    return refused(400, RPC.parse, 'the body is not JSON');
  }
  if (Array.isArray(value))
    return refused(400, RPC.invalidRequest, 'JSON-RPC batches are not supported: send one message');
  const id = isJsonObject(value) && isMessageId(value['id']) ? value['id'] : null;
  const hazard = findJsonHazard(value, { maxDepth: MAX_DEPTH });
  if (hazard !== null) {
    const where = hazard.path === '' ? 'the message' : `\`${hazard.path}\``;
    return { refused: jsonAnswer(400, rpcError(id, RPC.invalidParams, `${where} ${hazard.problem}`)) };
  }
  const read = readMessage(value);
  if (read === null) return refused(400, RPC.invalidRequest, 'the body is not a JSON-RPC message');
  return { read };
}

function refused(status: number, code: number, message: string): ReadBody {
  return { refused: jsonAnswer(status, rpcError(null, code, message)) };
}
