import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';

/** JSON-RPC 2.0 messages as MCP uses them. Members that are not named here pass through untouched. */
export type MessageId = string | number;
export type RequestMessage = JsonObject & { jsonrpc: '2.0'; id: MessageId; method: string; params?: JsonObject };
export type NotificationMessage = JsonObject & { jsonrpc: '2.0'; method: string; params?: JsonObject };
export type ResponseMessage = JsonObject & { jsonrpc: '2.0'; id: MessageId | null };
export type Message =
  | { kind: 'request'; message: RequestMessage }
  | { kind: 'notification'; message: NotificationMessage }
  | { kind: 'response'; message: ResponseMessage };

/** Error codes of JSON-RPC 2.0, of MCP 2026-07-28 (−32020…−32099), and of this implementation (−32000…−32019). */
export const RPC = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  session: -32000,
  denied: -32001,
  upstream: -32010,
  cut: -32011,
  headerMismatch: -32020,
  unsupportedVersion: -32022,
  /** MCP 2025-11-25. */
  urlElicitationRequired: -32042,
} as const;

/** Sorts a parsed body by its shape; `null` when it is no single JSON-RPC message. */
export function readMessage(value: JsonValue | undefined): Message | null {
  if (!isJsonObject(value) || value['jsonrpc'] !== '2.0') return null;
  const { id, method, params } = value;
  if (params !== undefined && !isJsonObject(params)) return null;
  if (typeof method === 'string') {
    if (id === undefined) return { kind: 'notification', message: value as NotificationMessage };
    return isMessageId(id) ? { kind: 'request', message: value as RequestMessage } : null;
  }
  if (method !== undefined || (value['result'] === undefined) === (value['error'] === undefined)) return null;
  return isMessageId(id) || id === null || id === undefined
    ? { kind: 'response', message: value as ResponseMessage }
    : null;
}

export function isMessageId(value: unknown): value is MessageId {
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value));
}

/** A map key for an id: `1` and `"1"` are two ids. */
export function idKey(id: MessageId | null | undefined): string {
  return JSON.stringify(id ?? null);
}

export function metaOf(params: JsonObject | undefined): JsonObject {
  return isJsonObject(params?.['_meta']) ? params['_meta'] : {};
}

export function rpcError(id: MessageId | null, code: number, message: string, data?: JsonValue): JsonObject {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}

export function rpcResult(id: MessageId, result: JsonObject): JsonObject {
  return { jsonrpc: '2.0', id, result };
}
