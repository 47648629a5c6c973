import type { Approval } from '../../core/approval.ts';
import type { Decision } from '../../core/decision.ts';
import type { JsonObject } from '../../core/json.ts';
import { jsonAnswer, type McpAnswer } from './answer.ts';
import { toolError } from './failure.ts';
import { heldAnswer } from './held.ts';
import { RPC, rpcError, rpcResult } from './message.ts';
import type { InboundCall, McpExchange } from './request.ts';

/** How long a client should wait before it asks again whether the approval has been given. */
const RETRY_AFTER_MS = 5000;

/** A deny or hold in MCP's form, as step 5 answers it. For `recordStep`. */
export function refuse(exchange: McpExchange & { decision: Decision }, publicUrl: string): McpAnswer {
  const call = exchange.request.call;
  if (call === undefined) throw new Error('a decision was made before the request was described');
  const { decision, waitingFor, notAsked, recordId } = exchange;
  const held = waitingFor === undefined ? null : heldAnswer(call, waitingFor, publicUrl);
  if (held !== null) return held;
  const remit: JsonObject = {
    decision: decision.outcome,
    codes: decision.reasons.map((reason) => reason.code),
    reasons: decision.reasons.map((reason) => reason.message),
    next: decision.reasons.flatMap((reason) => reason.next ?? []),
    ...(waitingFor === undefined
      ? {}
      : {
          approval: {
            id: waitingFor.id,
            state: waitingFor.state,
            approvers: waitingFor.approvers,
            expires_at: waitingFor.expiresAt,
            ...(waitingFor.state === 'refused' ? {} : { retry_after_ms: RETRY_AFTER_MS }),
          },
        }),
    ...(notAsked === undefined ? {} : { not_asked: notAsked }),
    record: recordId ?? null,
  };
  return refusal(call, textOf(exchange), remit);
}

function refusal(call: InboundCall, text: string, remit: JsonObject): McpAnswer {
  const { id, method } = call.message;
  if (method === 'tools/call') return jsonAnswer(200, rpcResult(id, toolError(call, text, { remit })));
  return jsonAnswer(200, rpcError(id, RPC.denied, text, { remit }));
}

/** For a model: what was decided, why, and what to do next. */
function textOf({ decision, waitingFor, notAsked }: McpExchange & { decision: Decision }): string {
  const reasons = decision.reasons.map((reason) => reason.message).join('; ');
  if (waitingFor?.state === 'refused') return refusedText(waitingFor);
  if (decision.outcome === 'hold' && waitingFor !== undefined) {
    const approvers = waitingFor.approvers.map((approver) => `\`${approver}\``).join(' and ');
    const why = reasons === '' ? '' : ` (${reasons})`;
    return `held: approval \`${waitingFor.id}\` is needed from ${approvers}${why}; call again with the same arguments after it is approved`;
  }
  if (notAsked !== undefined) return `held: ${reasons}; nobody is asked to approve it: ${notAsked}`;
  const next = decision.reasons.flatMap((reason) => reason.next ?? []).join('; ');
  return `denied: ${reasons}${next === '' ? '' : `; next: ${next}`}`;
}

/** An approver has read it and said no: asking again changes nothing, and another action may be what they want. */
function refusedText({ id, answers, expiresAt }: Approval): string {
  const reason = answers.find(({ to }) => to === 'refused')?.reason;
  const why = reason === undefined ? '' : `: ${reason}`;
  const until = new Date(expiresAt).toISOString();
  return `refused: approval \`${id}\` was refused${why}; do not ask for the same again before ${until}`;
}
