import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
} from '@modelcontextprotocol/server';
import type { TargetConfig } from '../../config/config.ts';
import { TooLarge, UpstreamFailed } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { STATELESS_VERSION } from './methods.ts';
import { nextWithin } from './next-within.ts';
import { encodeHeaderValue } from './param-headers.ts';
import type { Channel } from './upstream/channel.ts';

export const REMIT_INFO = { name: 'remit', version: '0.1.0' };

let asked = 0;

/**
 * A request of the gateway's own, on a client's channel. Returns the result.
 *
 * @throws UpstreamFailed, UpstreamTimeout or TooLarge.
 */
export async function ask(
  channel: Channel,
  target: TargetConfig,
  method: string,
  params: JsonObject,
  paramHeaders: Record<string, string> = {},
): Promise<JsonObject> {
  const id = `remit-${++asked}`;
  const stopping = new AbortController();
  const stateless = channel.revision === 'stateless';
  const message = {
    jsonrpc: '2.0' as const,
    id,
    method,
    params: stateless ? { ...params, _meta: ENVELOPE } : params,
  };
  const headers: Record<string, string> = stateless
    ? { 'mcp-protocol-version': STATELESS_VERSION, 'mcp-method': method, ...nameHeader(params), ...paramHeaders }
    : {};
  const signal = AbortSignal.any([stopping.signal, channel.closed]);
  try {
    const starting = channel.request(message, { signal, headers });
    const reply = await nextWithin(() => starting, signal, target.timeoutMs);
    const iterator = reply.events[Symbol.asyncIterator]();
    let size = 0;
    for (;;) {
      const { done, value } = await nextWithin(() => iterator.next(), signal, target.timeoutMs);
      if (done === true) throw new UpstreamFailed('the target ended its answer without a response');
      size += value.data.length;
      if (size > target.maxAnswerBytes) throw new TooLarge('the target answered with too much');
      const answer = value.data === '' ? null : parse(value.data);
      if (answer === null || answer['id'] !== id || answer['method'] !== undefined) continue;
      if (isJsonObject(answer['result'])) return answer['result'];
      throw new UpstreamFailed(`the target refused \`${method}\``);
    }
  } finally {
    stopping.abort();
  }
}

function nameHeader({ name }: JsonObject): Record<string, string> {
  return typeof name === 'string' ? { 'mcp-name': encodeHeaderValue(name) } : {};
}

const ENVELOPE: JsonObject = {
  [PROTOCOL_VERSION_META_KEY]: STATELESS_VERSION,
  [CLIENT_INFO_META_KEY]: REMIT_INFO,
  [CLIENT_CAPABILITIES_META_KEY]: {},
};

function parse(data: string): JsonObject {
  try {
    const value: unknown = JSON.parse(data);
    if (isJsonObject(value)) return value;
  } catch {
    // falls through to the refusal
  }
  throw new UpstreamFailed('the target answered with something that is not JSON-RPC');
}
