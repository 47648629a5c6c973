import { isJsonContentType } from '@modelcontextprotocol/server';
import { findJsonHazard, isJsonObject, type JsonValue } from '../../core/json.ts';
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
  const text = await readText(request, maxBytes);
  if (text === null) return refused(413, RPC.session, `the body is larger than ${maxBytes} bytes`);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
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

/** The body as text; `null` when it is too large, of which no more is read than the limit. */
async function readText(request: Request, maxBytes: number): Promise<string | null> {
  const stated = request.headers.get('content-length');
  // HTTP holds a body to its stated length, so there is nothing to count.
  if (stated !== null && /^\d+$/.test(stated)) return Number(stated) > maxBytes ? null : request.text();
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  // Bytes that are no UTF-8 become U+FFFD here, and go upstream as that.
  return Buffer.concat(chunks).toString('utf8');
}
