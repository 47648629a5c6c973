import { RemitError, UpstreamFailed, UseDpopNonce, type ErrorCode } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { ERROR_TABLE } from '../../server/error-table.ts';
import { challengesOf } from '../../token/challenge.ts';
import type { Outcome } from '../exchange.ts';
import { jsonAnswer, type McpAnswer } from './answer.ts';
import { RPC, rpcError, rpcResult, type MessageId } from './message.ts';
import type { InboundCall } from './request.ts';

/** A call that was ended from this side: the task has ended, or the caller went away. */
export class CutOff extends Error {
  override readonly name = 'CutOff';
}

/** Where a client learns how to get a token: RFC 9728 §5.1. */
export type Challenge = {
  publicUrl: string;
  target: string;
  /** Whether the connection has a client certificate. */
  certified: boolean;
};

/** An error outside a call as an HTTP answer. A fault says `internal` and nothing else. */
export function errorAnswer(error: unknown, challenge: Challenge, id: MessageId | null = null): McpAnswer {
  if (!(error instanceof RemitError)) return jsonAnswer(500, rpcError(id, RPC.internal, 'internal'));
  const { status, rpc } = ERROR_TABLE[error.code];
  // A missing setting is the operator's to read, not the caller's.
  const message = error.code === 'invalid_config' ? 'internal' : error.message;
  const nonce: Record<string, string> = error instanceof UseDpopNonce ? { 'dpop-nonce': error.nonce } : {};
  const headers = status === 401 ? { 'www-authenticate': challengeOf(error.code, challenge), ...nonce } : undefined;
  return jsonAnswer(status, rpcError(id, rpc, message), headers);
}

function challengeOf(code: ErrorCode, { publicUrl, target, certified }: Challenge): string {
  const resourceMetadata = `${publicUrl}/.well-known/oauth-protected-resource/mcp/${target}`;
  const error = code === 'unauthenticated' ? null : ERROR_TABLE[code].oauth;
  return challengesOf(error, { resourceMetadata, certified });
}

/** The last word on a permitted call that did not come to a response: for a tool, a result that a model can read. */
export function failedCall(
  call: InboundCall,
  error: unknown,
): { message: JsonObject; outcome: Outcome; fault: boolean } {
  const { id, method } = call.message;
  const { text, code, rpc, status, fault } = describeFailure(error);
  const data = { remit: { error: code } };
  const undone = error instanceof UpstreamFailed && error.refused;
  const outcome: Outcome = { status, detail: text, ...(undone ? { nothingDone: true } : {}) };
  if (method !== 'tools/call') return { message: rpcError(id, rpc, text, data), outcome, fault };
  return { message: rpcResult(id, toolError(call, text, data)), outcome, fault };
}

/** For a call that was carried out and whose answer the agent may not see. */
export function withheldAnswer(call: InboundCall, text: string): JsonObject {
  const { id, method } = call.message;
  const data = { remit: { error: 'withheld' } };
  if (method !== 'tools/call') return rpcError(id, RPC.denied, text, data);
  return rpcResult(id, toolError(call, text, data));
}

export function toolError(call: Pick<InboundCall, 'revision'>, text: string, data: JsonObject): JsonObject {
  return {
    ...(call.revision === 'stateless' ? { resultType: 'complete' } : {}),
    content: [{ type: 'text', text }],
    structuredContent: data,
    isError: true,
  };
}

type Failure = { text: string; code: string; rpc: number; status: 'failed' | 'cut'; fault: boolean };

function describeFailure(error: unknown): Failure {
  if (error instanceof CutOff) {
    return { text: `cut: ${error.message}`, code: 'cut', rpc: RPC.cut, status: 'cut', fault: false };
  }
  if (error instanceof RemitError && error.code !== 'invalid_config') {
    const rpc = error.code === 'too_large' ? RPC.upstream : ERROR_TABLE[error.code].rpc;
    return { text: `failed: ${error.message}`, code: error.code, rpc, status: 'failed', fault: false };
  }
  return { text: 'internal', code: 'internal', rpc: RPC.internal, status: 'failed', fault: true };
}
