import type { Approval } from '../../core/approval.ts';
import type { JsonObject } from '../../core/json.ts';
import { jsonAnswer, type McpAnswer } from './answer.ts';
import { APPROVAL_INPUT, approvalState } from './approval-retry.ts';
import { RPC, rpcError, rpcResult } from './message.ts';
import type { InboundCall } from './request.ts';

/** How often a client is asked to come back within one call; each time it waits some seconds here. */
const MAX_ROUNDS = 7;

/** How a held call is answered that waits for this approval, where its client can take more than a result. */
export function heldAnswer(call: InboundCall, waitsFor: Approval, publicUrl: string): McpAnswer | null {
  if (waitsFor.state !== 'pending' || call.answersUpstream) return null;
  return call.revision === 'stateless'
    ? inputRequired(call, waitsFor, publicUrl)
    : urlRequired(call, waitsFor, publicUrl);
}

/**
 * MCP 2026-07-28, multi round-trip requests: the client sends its person to the page, and comes back with the same call.
 * From the second round on it has been sent there, and is only asked to come back.
 */
function inputRequired(call: InboundCall, waitsFor: Approval, publicUrl: string): McpAnswer | null {
  const { message, opensUrls, retry } = call;
  if (!opensUrls || retry?.wanted === false) return null;
  const round = retry === null || retry.approval !== waitsFor.id ? 0 : retry.round;
  if (round >= MAX_ROUNDS) return null;
  const elicit: JsonObject = { method: 'elicitation/create', params: elicitation(waitsFor, publicUrl) };
  return jsonAnswer(
    200,
    rpcResult(message.id, {
      resultType: 'input_required',
      ...(round === 0 ? { inputRequests: { [APPROVAL_INPUT]: elicit } } : {}),
      requestState: approvalState(waitsFor.id, round + 1),
    }),
  );
}

/** MCP 2025-11-25: `URLElicitationRequiredError`. */
function urlRequired({ message, opensUrls }: InboundCall, waitsFor: Approval, publicUrl: string): McpAnswer | null {
  if (!opensUrls) return null;
  const params = { ...elicitation(waitsFor, publicUrl), elicitationId: waitsFor.id };
  return jsonAnswer(200, rpcError(message.id, RPC.urlElicitationRequired, params.message, { elicitations: [params] }));
}

/** The page tells nobody more than this message does: who opens it is not known to be anybody. */
function elicitation({ id, approvers, card }: Approval, publicUrl: string) {
  const who = approvers.map((rule) => `\`${rule}\``).join(' and ');
  return {
    mode: 'url',
    message: `\`${card.operation}\` at \`${card.target}\` needs the approval \`${id}\` of ${who}; see how it is answered`,
    url: `${publicUrl}/approvals/${id}`,
  };
}
