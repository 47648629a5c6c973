import { CredentialUnavailable, InvalidRequest, UpstreamFailed } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { jsonAnswer, type McpAnswer } from './answer.ts';
import { openCall, outcomeOf, type Call } from './call.ts';
import { withAllowedCapabilities } from './client-capabilities.ts';
import { CutOff, errorAnswer, failedCall, withheldAnswer } from './failure.ts';
import { filterList } from './filter-list.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { caught, revealed, screened } from './leased.ts';
import { idKey } from './message.ts';
import { capabilityOf } from './methods.ts';
import { declaredHeaders, paramHeaders } from './param-headers.ts';
import { nextWithin } from './next-within.ts';
import type { McpParts } from './parts.ts';
import { relay, type Relaying } from './relay.ts';
import type { InboundCall, McpExchange, McpStep } from './request.ts';
import type { Sessions } from './sessions.ts';
import type { TaskUpstreams } from './task-upstreams.ts';
import type { Channel } from './upstream/channel.ts';

/** Step 6: forwards what was permitted, and streams the answer back. */
export function actStep(upstreams: TaskUpstreams, sessions: Sessions, parts: McpParts): McpStep {
  return {
    name: 'act',
    run: async (exchange) => {
      const inbound = exchange.request.call;
      const { caller } = exchange;
      if (inbound === undefined || caller === undefined || caller.taskId === null)
        throw new Error('a pipeline acts before it has described');
      const { taskId, token, agent, delegator } = caller;
      const starting = inbound.channel === null;
      const channel =
        inbound.channel ?? upstreams.openSession({ task: taskId, agent, delegator }, exchange.request.target);
      const { name } = exchange.request.target;
      const under = { taskId, tokenId: token.id, id: exchange.id, target: name };
      const call = openCall(under, exchange.signal, channel, parts.live);
      if (exchange.intended !== undefined) parts.leases.follow(exchange.intended, call.outcome);
      exchange.answer = await forward({ exchange, inbound, channel, call, parts, upstreams });
      exchange.answer.finished = call.outcome;
      if (starting) await settleSession(exchange.answer, taskId, exchange, { channel, inbound, sessions });
      return undefined;
    },
  };
}

type Forwarding = {
  exchange: McpExchange;
  inbound: InboundCall;
  channel: Channel;
  call: Call;
  parts: McpParts;
  upstreams: TaskUpstreams;
};

async function forward(forwarding: Forwarding): Promise<McpAnswer> {
  const { exchange, inbound, channel, call, parts } = forwarding;
  const { target, peer } = exchange.request;
  const key = idKey(inbound.message.id);
  // A 2025 session is one client, so an id names one request; stateless clients of a task may use the same ids.
  const waiting = channel.revision === 'session' ? channel.waiting : new Map();
  if (waiting.has(key)) {
    call.finish({ status: 'failed', detail: 'the request id is in use' });
    const problem = new InvalidRequest('the request id is in use by another request of this session');
    const challenge = { publicUrl: parts.publicUrl, target: target.name, certified: peer.certificate !== null };
    return errorAnswer(problem, challenge, inbound.message.id);
  }
  const quiet = exchange.intended !== undefined && exchange.intended.lease.kind !== 'ticket';
  waiting.set(key, {
    quiet,
    settle: (message: JsonObject) => settle(message, forwarding),
    cancel: () => call.abort(new CutOff('the caller cancelled the call')),
  });
  const relaying: Relaying = {
    inbound,
    channel,
    call,
    waiting,
    key,
    target,
    redact: redactor(forwarding),
    screen: (said) => screened(said, exchange, parts.leases),
    fail: (error) => {
      waiting.delete(key);
      const { message, outcome, fault } = failedCall(inbound, error);
      if (fault) parts.log.error({ err: error, request: exchange.id }, 'a call failed');
      else if (error instanceof CredentialUnavailable) {
        const { detail } = error;
        parts.log.warn({ detail, target: target.name, request: exchange.id }, 'a credential is not to be had');
      }
      call.finish(outcome);
      call.abort(error instanceof Error ? error : new Error('stopped', { cause: error }));
      return message;
    },
  };
  try {
    const allowed = withAllowedCapabilities(inbound.message, target.clientCapabilities);
    const repeated = paramHeaders(declaredHeaders(inbound, channel), exchange.action?.arguments ?? {});
    const given = { message: allowed, headers: { ...forwardedHeaders(exchange.request.http.headers), ...repeated } };
    const { message, headers } = revealed(given, exchange, parts);
    const { policySet } = exchange.decision ?? {};
    const told = await parts.tellTarget(exchange, target, exchange.request.http.headers.get('traceparent'));
    const sending = {
      signal: call.signal,
      sent: call.sent,
      injected: call.injected,
      headers: { ...headers, ...told },
    };
    const reply = await nextWithin(
      () => channel.request(message, policySet === undefined ? sending : { ...sending, policySet }),
      call.signal,
      target.timeoutMs,
    );
    return await relay(reply, relaying);
  } catch (error) {
    return jsonAnswer(200, relaying.fail(error));
  }
}

/** INVARIANT 7: what must not be in an answer: the target's own credential, and what tasks have minted there. */
function redactor({ exchange, upstreams, parts }: Forwarding): (text: string) => string {
  const { target } = exchange.request;
  const withoutCredential = upstreams.redactor(target);
  const from = { target: target.name, task: exchange.caller!.taskId! };
  return (text) => parts.leases.hide(from, withoutCredential(text));
}

/** The response as the client may see it, and what became of the call. */
async function settle(answered: JsonObject, forwarding: Forwarding): Promise<JsonObject> {
  const { exchange, inbound, channel, call, parts } = forwarding;
  const came = await caught(answered, exchange, parts);
  if ('withheld' in came) {
    call.finish({ status: 'ok', detail: `the answer was kept back: ${came.withheld}` });
    return withheldAnswer(inbound, came.withheld);
  }
  const { message } = came;
  const refused = unaskable(message, forwarding);
  if (refused !== null) {
    const failed = failedCall(inbound, new UpstreamFailed(refused));
    call.finish(failed.outcome);
    return failed.message;
  }
  call.finish(outcomeOf(message));
  if (!isJsonObject(message['result'])) return message;
  const result = keptPrivate(await filterList(inbound, channel, exchange, message['result'], parts));
  return result === message['result'] ? message : { ...message, result };
}

/** INVARIANT 2 and 13: what one caller may see is not for a cache that others read (2026-07-28, `cacheScope`). */
function keptPrivate(result: JsonObject): JsonObject {
  return result['cacheScope'] === 'public' ? { ...result, cacheScope: 'private' } : result;
}

/** Revision 2026-07-28: a result may ask the client for input, of the kinds that the target is configured for. */
function unaskable(message: JsonObject, { exchange }: Forwarding): string | null {
  const result = message['result'];
  if (!isJsonObject(result) || !isJsonObject(result['inputRequests'])) return null;
  for (const request of Object.values(result['inputRequests'])) {
    const method = isJsonObject(request) ? request['method'] : undefined;
    const capability = typeof method === 'string' ? capabilityOf(method) : undefined;
    if (capability === undefined || !exchange.request.target.clientCapabilities.includes(capability)) {
      return 'the target asked the client for something that it is not configured to ask for';
    }
  }
  return null;
}

/** A session begins when its `initialize` has been answered; otherwise nothing is left of it. */
async function settleSession(
  answer: McpAnswer,
  taskId: string,
  exchange: McpExchange,
  { channel, inbound, sessions }: { channel: Channel; inbound: InboundCall; sessions: Sessions },
): Promise<void> {
  const failed = typeof answer.body === 'string' && answer.body.includes('"error"') && isErrorBody(answer.body);
  if (failed || answer.status !== 200) return channel.close('the session did not begin');
  answer.headers['mcp-session-id'] = sessions.begin(taskId, exchange.request.target, channel, inbound.opensUrls);
}

function isErrorBody(body: string): boolean {
  const parsed: unknown = JSON.parse(body);
  return isJsonObject(parsed) && parsed['error'] !== undefined;
}
