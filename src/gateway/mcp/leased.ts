import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { RequestMessage } from './message.ts';
import { decodeHeaderValue, encodeHeaderValue } from './param-headers.ts';
import type { McpParts } from './parts.ts';
import type { McpExchange } from './request.ts';

type Sent = { message: RequestMessage; headers: Record<string, string> };

/**
 * The request as it leaves, with values in place of the handles that were decided on. They are nowhere but where the
 * decision has seen them: in the arguments, and in the headers that repeat some of these.
 *
 * @throws Conflict when a lease has ended since.
 */
export function revealed({ message, headers }: Sent, { action }: McpExchange, { leases }: McpParts): Sent {
  const named = action?.leases;
  const { params } = message;
  if (named === undefined || params === undefined) return { message, headers };
  const { _meta, ...rest } = params;
  const shown: JsonObject =
    message.method === 'tools/call'
      ? { ...rest, arguments: leases.reveal(params['arguments'] ?? {}, named) }
      : leases.reveal(rest, named);
  return {
    message: { ...message, params: _meta === undefined ? shown : { ...shown, _meta } },
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => {
        // As the protocol writes what is no plain text; the argument itself may be Base64, too.
        const plain = decodeHeaderValue(value) ?? value;
        const swapped = leases.reveal(plain, named);
        return [name, swapped === plain ? value : encodeHeaderValue(swapped)];
      }),
    ),
  };
}

/** What the target has answered, as far as the agent may see it: the response, or why there is none to see. */
export type CaughtResponse = { message: JsonObject } | { withheld: string };

/**
 * Catches what the response brings into the world, before the agent sees anything of it, and then what else in it looks like
 * a secret. An error of the protocol is screened too; what came of such a call is told by its outcome.
 */
export async function caught(
  message: JsonObject,
  exchange: McpExchange,
  { leases }: McpParts,
): Promise<CaughtResponse> {
  const { intended } = exchange;
  const { jsonrpc, id, result } = message;
  if (intended === undefined || result === undefined) return { message: await screened(message, exchange, leases) };
  const answer = await leases.answered(
    intended,
    isJsonObject(result)
      ? {
          failed: result['isError'] === true,
          unfinished: isJsonObject(result['inputRequests']),
          answer: structureOf(result),
          whole: result,
        }
      : { failed: false, answer: undefined, whole: {} },
  );
  if ('withheld' in answer) return answer;
  // Members that are none of the protocol's may repeat what the result brings.
  const kept = { jsonrpc: jsonrpc!, id: id!, result: answer.whole };
  return { message: await screened(kept, exchange, leases) };
}

/**
 * A message of the target without what looks like a secret. What the protocol itself carries (lists, handshakes) describes the
 * target, and is pinned or shown for that.
 */
export async function screened(
  message: JsonObject,
  { action, chain, recordId }: McpExchange,
  leases: McpParts['leases'],
): Promise<JsonObject> {
  if (action === undefined || action.protocol || chain === undefined || recordId === undefined) return message;
  const { jsonrpc, id, ...said } = message;
  const shown = await leases.screen(said, { action, chain, decision: recordId });
  return shown === said ? message : { jsonrpc: jsonrpc!, ...(id === undefined ? {} : { id }), ...shown };
}

/** Where pointers lead into: the structured content, or the JSON that the only text is. */
export function structureOf(result: JsonObject): JsonValue | undefined {
  if (result['structuredContent'] !== undefined) return result['structuredContent'];
  const content = Array.isArray(result['content']) ? result['content'] : [];
  const texts = content.flatMap((item) => (isJsonObject(item) && typeof item['text'] === 'string' ? item['text'] : []));
  if (texts.length !== 1) return undefined;
  try {
    return JSON.parse(texts[0]!) as JsonValue;
  } catch {
    return undefined;
  }
}
