/**
 * The methods of both revisions and what each means to a decision. A method that is not here is denied
 * (COAZ-MCP: unknown methods MUST be denied).
 */
export type Method =
  /** Handshakes and lists: decided with `protocol: true`, effect read. */
  | { kind: 'protocol'; lists?: 'tools' | 'resources' | 'resourceTemplates' | 'prompts'; streams?: true }
  /** A real operation. `named` is the parameter that names the thing, and what `Mcp-Name` repeats. */
  | { kind: 'operation'; named: 'name' | 'uri' }
  /** Passes without a decision. */
  | { kind: 'pass' };

export type Revision = 'session' | 'stateless';

/** Revisions with sessions, newest first. */
export const SESSION_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26'];
export const STATELESS_VERSION = '2026-07-28';

type Row = Method & { revisions: readonly Revision[] };

const BOTH = ['session', 'stateless'] as const;
const SESSION = ['session'] as const;
const STATELESS = ['stateless'] as const;

const REQUESTS: Record<string, Row> = {
  ping: { revisions: SESSION, kind: 'pass' },
  initialize: { revisions: SESSION, kind: 'protocol' },
  'server/discover': { revisions: STATELESS, kind: 'protocol' },
  'subscriptions/listen': { revisions: STATELESS, kind: 'protocol', streams: true },
  'tools/list': { revisions: BOTH, kind: 'protocol', lists: 'tools' },
  'resources/list': { revisions: BOTH, kind: 'protocol', lists: 'resources' },
  'resources/templates/list': { revisions: BOTH, kind: 'protocol', lists: 'resourceTemplates' },
  'prompts/list': { revisions: BOTH, kind: 'protocol', lists: 'prompts' },
  'completion/complete': { revisions: BOTH, kind: 'protocol' },
  'logging/setLevel': { revisions: SESSION, kind: 'protocol' },
  'resources/subscribe': { revisions: SESSION, kind: 'protocol' },
  'resources/unsubscribe': { revisions: SESSION, kind: 'protocol' },
  'tools/call': { revisions: BOTH, kind: 'operation', named: 'name' },
  'resources/read': { revisions: BOTH, kind: 'operation', named: 'uri' },
  'prompts/get': { revisions: BOTH, kind: 'operation', named: 'name' },
};

/** All methods that are decided under their own name, rather than under a tool's. */
export const METHOD_NAMES: readonly string[] = Object.keys(REQUESTS).filter(
  (name) => REQUESTS[name]!.kind !== 'pass' && name !== 'tools/call',
);

/** The row of a request's method in a revision; `undefined` is an unknown method. */
export function methodOf(name: string, revision: Revision): Method | undefined {
  const row = Object.hasOwn(REQUESTS, name) ? REQUESTS[name] : undefined;
  return row?.revisions.includes(revision) ? row : undefined;
}

/** Whether a name is that of a method: a tool of this name would pass for another operation, so it is unknown. */
export function isMethodName(name: string): boolean {
  return Object.hasOwn(REQUESTS, name);
}

const FROM_CLIENT = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]);

const FROM_UPSTREAM = new Set([
  'notifications/cancelled',
  'notifications/progress',
  'notifications/message',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/subscriptions/acknowledged',
  'notifications/elicitation/complete',
]);

export function isKnownClientNotification(method: string): boolean {
  return FROM_CLIENT.has(method);
}

export function isKnownUpstreamNotification(method: string): boolean {
  return FROM_UPSTREAM.has(method);
}

export type ClientCapability = 'sampling' | 'elicitation' | 'roots';

const SERVER_REQUESTS: Record<string, ClientCapability> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

/** The client capability that a server-initiated request needs; `undefined` for an unknown request. */
export function capabilityOf(method: string): ClientCapability | undefined {
  return Object.hasOwn(SERVER_REQUESTS, method) ? SERVER_REQUESTS[method] : undefined;
}
