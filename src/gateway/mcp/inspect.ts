import { UpstreamFailed } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { forgetDefinitions } from './seen-definitions.ts';
import {
  idKey,
  readMessage,
  RPC,
  rpcError,
  type Message,
  type NotificationMessage,
  type RequestMessage,
} from './message.ts';
import { capabilityOf, isKnownUpstreamNotification, type ClientCapability } from './methods.ts';
import type { Channel, Waiting } from './upstream/channel.ts';

/** More unanswered requests of an upstream than this are refused. */
const MAX_ASKED = 1000;

export type InspectParts = {
  channel: Channel;
  /** Whose responses may pass. Of the session, since a response may come on another stream than its request. */
  waiting: Map<string, Waiting>;
  allowed: readonly ClientCapability[];
  /** Takes the target's own credential out of a text (invariant 7). */
  redact: (text: string) => string;
  /**
   * The response brings a secret that nobody knows yet. Until it is caught, the client hears no words of the target: how far
   * it is, and no more.
   */
  quiet?: boolean;
  /** Takes what looks like a secret out of what the target says beside its response, which has its own way. */
  screen: (said: JsonObject) => Promise<JsonObject> | JsonObject;
};

/** What the client gets to see of one message of the upstream, as JSON text; `null` for nothing. */
export type Inspected = { data: string | null; answers: string | null };

/**
 * Looks at each message of the upstream before the client sees it: unknown notifications, requests that the target may
 * not make, and answers to nothing are dropped.
 *
 * @throws UpstreamFailed when it is no JSON-RPC message.
 */
export async function inspect(text: string, parts: InspectParts): Promise<Inspected> {
  const data = parts.redact(text);
  const read = parseMessage(data);
  const quiet = parts.quiet === true || parts.waiting.values().some((waiting) => waiting.quiet);
  switch (read.kind) {
    case 'notification':
      if (read.message.method === 'notifications/tools/list_changed') forgetDefinitions(parts.channel.seen);
      if (quiet) return { data: wordless(read.message), answers: null };
      if (!isKnownUpstreamNotification(read.message.method)) return { data: null, answers: null };
      return { data: await screened(read.message), answers: null };
    case 'request': {
      const capability = capabilityOf(read.message.method);
      const asks = capability !== undefined && !quiet && parts.allowed.includes(capability);
      const known = read.message.method === 'ping' || asks;
      if (known && parts.channel.revision === 'session' && parts.channel.asked.size < MAX_ASKED) {
        parts.channel.asked.add(idKey(read.message.id));
        return { data: await screened(read.message), answers: null };
      }
      await refuseUpstream(read.message, parts);
      return { data: null, answers: null };
    }
    case 'response': {
      const key = idKey(read.message.id);
      const waiting = parts.waiting.get(key);
      if (waiting === undefined) {
        // An error without an id can only be about the one request of this exchange.
        if (read.message.id !== null && read.message.id !== undefined) return { data: null, answers: null };
        return { data, answers: '' };
      }
      parts.waiting.delete(key);
      const settled = await waiting.settle(read.message);
      return { data: settled === read.message ? data : JSON.stringify(settled), answers: key };
    }
  }

  async function screened(message: NotificationMessage | RequestMessage): Promise<string> {
    const shown = await parts.screen(message);
    return shown === message ? data : JSON.stringify(shown);
  }
}

function wordless({ method, params }: NotificationMessage): string | null {
  if (method !== 'notifications/progress') return null;
  const { progressToken = null, progress = null, total } = params ?? {};
  const shown = { progressToken, progress, ...(typeof total === 'number' ? { total } : {}) };
  return typeof progress === 'number' ? JSON.stringify({ jsonrpc: '2.0', method, params: shown }) : null;
}

function parseMessage(data: string): Message {
  let value: JsonObject | null = null;
  try {
    value = JSON.parse(data) as JsonObject;
  } catch {
    // refused below
  }
  const message = value === null ? null : readMessage(value);
  if (message === null) throw new UpstreamFailed('the target answered with something that is not JSON-RPC');
  return message;
}

/** A request that the target may not make never reaches the client; the upstream is told so. */
async function refuseUpstream(message: RequestMessage, parts: InspectParts): Promise<void> {
  const refusal = rpcError(message.id, RPC.methodNotFound, `\`${message.method}\` is not allowed for this target`);
  // A stateless upstream has no way to be answered; its request is dropped.
  if (!parts.channel.takesAnswers) return;
  await parts.channel.send(refusal, { signal: parts.channel.closed }).catch(() => 0);
}
