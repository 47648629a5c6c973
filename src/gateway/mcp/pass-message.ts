import { emptyAnswer, jsonAnswer, type McpAnswer } from './answer.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { idKey, isMessageId, RPC, rpcError, type Message } from './message.ts';
import { isKnownClientNotification } from './methods.ts';
import type { McpParts } from './parts.ts';
import type { McpExchange } from './request.ts';
import type { Channel } from './upstream/channel.ts';

/** A notification, or the client's answer to a request of the upstream: passes without a decision, if it is known. */
export async function passMessage(
  read: Exclude<Message, { kind: 'request' }>,
  channel: Channel,
  exchange: McpExchange,
  parts: McpParts,
): Promise<McpAnswer> {
  const { target, http } = exchange.request;
  // INVARIANT 6: nothing goes upstream under a task that has ended.
  if (!parts.live.isLive(exchange.caller!.taskId!)) return refused('the task has ended');
  if (read.kind === 'response') {
    // Only what the upstream asked, and the client was shown, can be answered; once.
    if (!channel.asked.delete(idKey(read.message.id))) return refused('nothing was asked under this id');
  } else if (!isKnownClientNotification(read.message.method)) {
    return refused(`\`${read.message.method}\` is not a known notification`);
  } else if (
    read.message.method === 'notifications/roots/list_changed' &&
    !target.clientCapabilities.includes('roots')
  ) {
    return emptyAnswer(202);
  }
  const headers = forwardedHeaders(http.headers);
  const signal = AbortSignal.any([exchange.signal, channel.closed]);
  const status = await channel.send(read.message, { signal, headers });
  if (read.kind === 'notification' && read.message.method === 'notifications/cancelled') {
    const id = read.message.params?.['requestId'];
    // The upstream need not answer any more, so nothing waits for it to.
    if (isMessageId(id)) channel.waiting.get(idKey(id))?.cancel();
  }
  return emptyAnswer(status);
}

function refused(message: string): McpAnswer {
  return jsonAnswer(400, rpcError(null, RPC.invalidRequest, message));
}
