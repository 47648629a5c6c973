import type { Action } from '../../core/action.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { resolveResources } from '../resource-template.ts';
import { emptyAnswer, jsonAnswer, type McpAnswer } from './answer.ts';
import { canOpenUrls, capabilitiesOf, takeApprovalRetry } from './approval-retry.ts';
import { checkHeaders, headerMismatch } from './check-headers.ts';
import { definitionState, ensureDefinitions } from './definitions.ts';
import { failedCall } from './failure.ts';
import { RPC, rpcError, rpcResult, type RequestMessage } from './message.ts';
import { isMethodName, methodOf, type Revision } from './methods.ts';
import { declaredHeaders, paramHeaderMismatch } from './param-headers.ts';
import type { McpParts } from './parts.ts';
import { passMessage } from './pass-message.ts';
import { readBody } from './read-body.ts';
import type { InboundCall, McpExchange, McpStep } from './request.ts';
import { uriProblem } from './resource-uri.ts';
import type { Sessions } from './sessions.ts';
import { endSession, openStream } from './session-endpoints.ts';
import type { TaskUpstreams } from './task-upstreams.ts';
import type { Channel } from './upstream/channel.ts';

export type DescribeParts = { parts: McpParts; sessions: Sessions; upstreams: TaskUpstreams };

/**
 * Step 2: the protocol message as an action. What is no request to decide on (a notification, a ping, the client's
 * answer to the upstream, a session's stream or end) is answered here, and so is what cannot be understood.
 */
export function describeStep(given: DescribeParts): McpStep {
  return {
    name: 'describe',
    run: (exchange) => {
      switch (exchange.request.http.method) {
        case 'POST':
          return describePost(exchange, given);
        case 'GET':
          return openStream(exchange, given);
        case 'DELETE':
          return endSession(exchange, given);
        default:
          return emptyAnswer(405, { allow: 'GET, POST, DELETE' });
      }
    },
  };
}

async function describePost(exchange: McpExchange, given: DescribeParts): Promise<McpAnswer | undefined> {
  const { http, target } = exchange.request;
  const body = await readBody(http, given.parts.maxBodyBytes);
  if ('refused' in body) return body.refused;
  const checked = checkHeaders(http, body.read);
  if ('refused' in checked) return checked.refused;
  const { revision } = checked;
  const method = body.read.kind === 'request' ? methodOf(body.read.message.method, revision) : undefined;
  if (body.read.kind === 'request' && method === undefined) return unknownMethod(body.read.message, revision);

  const taskId = exchange.caller!.taskId!;
  const starts = body.read.kind === 'request' && body.read.message.method === 'initialize';
  const channel = starts ? null : channelOf(exchange, revision, taskId, given);
  if (channel !== null && 'status' in channel) return channel;
  if (body.read.kind !== 'request') return passMessage(body.read, channel!, exchange, given.parts);
  const { message } = body.read;
  if (method === undefined || method.kind === 'pass') return jsonAnswer(200, rpcResult(message.id, {}));

  const { message: asked, retry } = takeApprovalRetry(withoutStray(message));
  const opensUrls =
    revision === 'stateless' || starts
      ? canOpenUrls(capabilitiesOf(message))
      : sessionOpensUrls(exchange, taskId, given);
  const answersUpstream =
    asked.params?.['inputResponses'] !== undefined || asked.params?.['requestState'] !== undefined;
  const call: InboundCall = { revision, message: asked, method, channel, opensUrls, retry, answersUpstream };
  exchange.request.call = call;
  if (method.kind === 'protocol') {
    exchange.action = {
      ...base(message.method, target),
      // A handshake or list tells what the target is; it changes nothing there.
      effect: 'read',
      protocol: true,
      definition: 'builtin',
      resources: [],
      arguments: argumentsOf(call),
    };
    return undefined;
  }
  // Whoever comes back for an approval waits for its answer a little: the decision comes after, on what is so then.
  if (retry?.wanted === true) {
    await given.parts.answered({ approval: retry.approval, task: taskId, signal: exchange.signal });
  }
  return describeOperation(call, channel!, exchange, given.parts);
}

function sessionOpensUrls(exchange: McpExchange, taskId: string, { sessions }: DescribeParts): boolean {
  const { http, target } = exchange.request;
  return sessions.find(http.headers.get('mcp-session-id') ?? '', taskId, target.name)?.opensUrls === true;
}

/** The channel of the session that the request names, or of the task; an answer when there is none. */
function channelOf(
  exchange: McpExchange,
  revision: Revision,
  taskId: string,
  { sessions, upstreams }: DescribeParts,
): Channel | McpAnswer {
  const { http, target } = exchange.request;
  if (revision === 'stateless') {
    const { agent, delegator } = exchange.caller!;
    return upstreams.stateless({ task: taskId, agent, delegator }, target);
  }
  const id = http.headers.get('mcp-session-id');
  if (id === null)
    return jsonAnswer(400, rpcError(null, RPC.session, 'the `Mcp-Session-Id` header is missing; initialize first'));
  const session = sessions.find(id, taskId, target.name);
  if (session !== undefined) return session.channel;
  return jsonAnswer(404, rpcError(null, RPC.session, 'the session is unknown or has ended; initialize again'));
}

async function describeOperation(
  call: InboundCall,
  channel: Channel,
  exchange: McpExchange,
  parts: McpParts,
): Promise<McpAnswer | undefined> {
  const { http, target } = exchange.request;
  const { message, method } = call;
  const named = method.kind === 'operation' ? message.params?.[method.named] : undefined;
  if (method.kind !== 'operation' || typeof named !== 'string') {
    return jsonAnswer(200, rpcError(message.id, RPC.invalidParams, 'the parameters do not name what is asked for'));
  }
  // Nobody has asked: some servers let what a client volunteers replace their own limits.
  if (message.params?.['inputResponses'] !== undefined && target.clientCapabilities.length === 0) {
    return jsonAnswer(
      200,
      rpcError(message.id, RPC.invalidParams, '`inputResponses` answer nothing that this target may ask'),
    );
  }
  const operation = message.method === 'tools/call' ? named : message.method;
  const given = message.params?.['arguments'];
  // What is no object would be decided on as if it were empty, and passed on as it is.
  if (given !== undefined && !isJsonObject(given)) {
    return jsonAnswer(200, rpcError(message.id, RPC.invalidParams, '`arguments` is not an object'));
  }
  const args = argumentsOf(call);

  const offered = await definitionOf(operation, call, channel, exchange, parts);
  const mismatch = paramHeaderMismatch(declaredHeaders(call, channel), args, http.headers);
  if (mismatch !== null) return headerMismatch(message.id, mismatch);
  const resolved = resourcesOf(operation, message, target.name, args, parts);
  exchange.action = {
    ...base(operation, target),
    protocol: false,
    definition: offered.definition,
    resources: 'problem' in resolved ? [] : resolved.resources,
    arguments: args,
    ...undescribed(offered.unavailable, 'problem' in resolved ? resolved.problem : null),
  };
  return undefined;
}

/** What could not be told about the action. It is decided all the same, and so denied and recorded. */
function undescribed(unavailable: string | null, unresolved: string | null): Pick<Action, 'undescribed'> {
  if (unavailable !== null) {
    return { undescribed: { code: 'target_unavailable', message: unavailable, next: 'try again later' } };
  }
  if (unresolved === null) return {};
  return {
    undescribed: { code: 'unresolved_resource', message: unresolved, next: 'name the resource in the arguments' },
  };
}

type Offered = { definition: Action['definition']; unavailable: string | null };

/** Looks at what the connection offers before the first call. Only tools have definitions to pin. */
async function definitionOf(
  operation: string,
  call: InboundCall,
  channel: Channel,
  exchange: McpExchange,
  parts: McpParts,
): Promise<Offered> {
  const { target } = exchange.request;
  const known = (definition: Action['definition']): Offered => ({ definition, unavailable: null });
  if (!Object.hasOwn(target.operations, operation)) return known('unknown');
  if (call.message.method !== 'tools/call') return known('builtin');
  if (isMethodName(operation)) return known('unknown');
  // For a task that is over nothing is asked of the target any more; the decision says why.
  if (!parts.live.isLive(exchange.caller!.taskId!)) return known('pinned');
  try {
    await ensureDefinitions(channel, target, parts);
  } catch (error) {
    const failure = failedCall(call, error);
    if (failure.fault) parts.log.error({ err: error, request: exchange.id }, 'the tools of a target cannot be listed');
    const why = failure.outcome.detail?.replace(/^failed: /, '');
    return { definition: 'pinned', unavailable: why ?? 'the target does not answer' };
  }
  return known(definitionState(channel, target, operation, parts));
}

function resourcesOf(
  operation: string,
  message: RequestMessage,
  target: string,
  args: JsonObject,
  parts: McpParts,
): { resources: string[] } | { problem: string } {
  const templates = parts.templates.get(target)?.get(operation) ?? [];
  if (message.method !== 'resources/read') return resolveResources(templates, args);
  const uri = message.params?.['uri'];
  if (typeof uri !== 'string') return { problem: '`uri` is missing' };
  const problem = uriProblem(uri);
  if (problem !== null) return { problem };
  return { resources: [uri] };
}

function base(operation: string, target: McpExchange['request']['target']) {
  const config = Object.hasOwn(target.operations, operation) ? target.operations[operation] : undefined;
  return {
    target: target.name,
    operation,
    // An unknown operation is denied for being unknown; until then it counts as the worst.
    effect: config?.effect ?? (operation.includes('/') ? ('read' as const) : ('execute' as const)),
    sensitivity: config?.sensitivity ?? target.sensitivity,
  };
}

/** What a decision and a record see of the parameters. */
function argumentsOf({ message }: InboundCall): JsonObject {
  const { _meta, arguments: args, ...rest } = message.params ?? {};
  if (message.method === 'tools/call') return isJsonObject(args) ? args : {};
  return args === undefined ? rest : { ...rest, arguments: args };
}

const OF_A_CALL: ReadonlySet<string> = new Set(['name', 'arguments', '_meta', 'inputResponses', 'requestState']);

/** A call of a tool without members that are none of the protocol's: no decision and no approver sees them. */
function withoutStray(message: RequestMessage): RequestMessage {
  const { method, params } = message;
  if (method !== 'tools/call' || params === undefined || Object.keys(params).every((name) => OF_A_CALL.has(name)))
    return message;
  return { ...message, params: Object.fromEntries(Object.entries(params).filter(([name]) => OF_A_CALL.has(name))) };
}

/** 2026-07-28 answers an unknown method with 404; before, an error in a 200 was the form. */
function unknownMethod(message: RequestMessage, revision: Revision): McpAnswer {
  const error = rpcError(message.id, RPC.methodNotFound, `\`${message.method}\` is not a known method`);
  return jsonAnswer(revision === 'stateless' ? 404 : 200, error);
}
