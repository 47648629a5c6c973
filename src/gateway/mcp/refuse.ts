import type { Decision } from '../../core/decision.ts';
import type { JsonObject } from '../../core/json.ts';
import { refusalOf } from '../refusal.ts';
import { jsonAnswer, type McpAnswer } from './answer.ts';
import { toolError } from './failure.ts';
import { heldAnswer } from './held.ts';
import { RPC, rpcError, rpcResult } from './message.ts';
import type { InboundCall, McpExchange } from './request.ts';

/** A deny or hold in MCP's form, as step 5 answers it. For `recordStep`. */
export function refuse(exchange: McpExchange & { decision: Decision }, publicUrl: string): McpAnswer {
  const call = exchange.request.call;
  if (call === undefined) throw new Error('a decision was made before the request was described');
  const { waitingFor } = exchange;
  const held = waitingFor === undefined ? null : heldAnswer(call, waitingFor, publicUrl);
  if (held !== null) return held;
  const { text, remit } = refusalOf(exchange);
  return refusal(call, text, remit);
}

function refusal(call: InboundCall, text: string, remit: JsonObject): McpAnswer {
  const { id, method } = call.message;
  if (method === 'tools/call') return jsonAnswer(200, rpcResult(id, toolError(call, text, { remit })));
  return jsonAnswer(200, rpcError(id, RPC.denied, text, { remit }));
}
