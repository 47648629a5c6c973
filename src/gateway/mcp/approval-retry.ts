import { CLIENT_CAPABILITIES_META_KEY } from '@modelcontextprotocol/server';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { metaOf, type RequestMessage } from './message.ts';

/**
 * A call of 2026-07-28 that comes back after it was answered with `input_required` for an approval. It proves nothing and
 * gives nothing: the approval is found by the digest of the action as ever, and this says only what to wait for.
 */
export type ApprovalRetry = {
  approval: string;
  /** How often it has come back. */
  round: number;
  /** Whether the person at the client wants to go on. */
  wanted: boolean;
};

/** Of the request to the client, among `inputRequests`. */
export const APPROVAL_INPUT = 'remit_approval';

const STATE = /^remit-approval:(apr_[A-Za-z0-9_-]{1,60}):(\d{1,3})$/;

export function approvalState(approval: string, round: number): string {
  return `remit-approval:${approval}:${round}`;
}

/** The message without what Remit itself had asked for: the upstream never asked, and never sees it. */
export function takeApprovalRetry(message: RequestMessage): { message: RequestMessage; retry: ApprovalRetry | null } {
  const { requestState, inputResponses, ...params } = message.params ?? {};
  const state = typeof requestState === 'string' ? STATE.exec(requestState) : null;
  if (state === null) return { message, retry: null };
  const responses = isJsonObject(inputResponses) ? inputResponses : {};
  const { [APPROVAL_INPUT]: response, ...others } = responses;
  const action = isJsonObject(response) ? response['action'] : undefined;
  return {
    message: {
      ...message,
      params: { ...params, ...(Object.keys(others).length === 0 ? {} : { inputResponses: others }) },
    },
    retry: { approval: state[1]!, round: Number(state[2]), wanted: action === undefined || action === 'accept' },
  };
}

/** Whether a client says that it can send a person to a URL (`elicitation: { url: {} }`). */
export function canOpenUrls(capabilities: unknown): boolean {
  const elicitation = isJsonObject(capabilities) ? capabilities['elicitation'] : undefined;
  return isJsonObject(elicitation) && isJsonObject(elicitation['url']);
}

/** What a call of 2026-07-28 says of its client, or the `initialize` of a session. */
export function capabilitiesOf({ method, params }: RequestMessage): JsonObject {
  const shown = method === 'initialize' ? params?.['capabilities'] : metaOf(params)[CLIENT_CAPABILITIES_META_KEY];
  return isJsonObject(shown) ? shown : {};
}
