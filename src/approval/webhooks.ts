import type { Approval } from '../core/approval.ts';
import { approvalRule } from '../core/approval-rule.ts';
import type { JsonObject } from '../core/json.ts';
import type { ApprovalStore, Delivery, WebhookStore } from '../store/ports.ts';
import { signedHeaders, webhookKey } from './webhook-signature.ts';

export type WebhookEndpoint = {
  /** Names it in the store and in logs; a new name begins anew. */
  name: string;
  url: string;
  /** Read at each attempt; a second one while secrets change. Throws InvalidConfig. */
  secrets: () => string[];
  /** Only approvals of which some rule names one of these; `null` for all. */
  approvers: readonly string[] | null;
};

export type WebhookParts = {
  endpoints: readonly WebhookEndpoint[];
  store: WebhookStore & Pick<ApprovalStore, 'approval'>;
  /** What the endpoint gets to see of an approval. INVARIANT 14: no secret. */
  describe: (approval: Approval) => JsonObject;
  /** As `fetch`. */
  send: (url: string, request: RequestInit) => Promise<Pick<Response, 'status' | 'body'>>;
  clock: () => number;
  log: Record<'warn' | 'error', (fields: object, message: string) => void>;
};

export interface Webhooks {
  /** Attempts all that is due. Never rejects. */
  deliver(): Promise<void>;
}

/** As Standard Webhooks asks: an endpoint that is slower than this is tried again. */
const TIMEOUT_MS = 10_000;
const AT_A_TIME = 10;
/** Seconds between attempts. Approvals are for minutes, so that a wait of hours would be one for ever. */
const BACKOFF = [1, 2, 5, 10, 20, 40, 60];
const MAX_ATTEMPTS = 30;

/**
 * Tells endpoints of approvals that wait, and of what became of them: at least once each, with the same id each time, in
 * any order. What is due is read from the store, so that a restart loses nothing and needs no recovery of its own.
 */
export function createWebhooks(parts: WebhookParts): Webhooks {
  const gone = new Set<string>();
  const busy = new Set<string>();

  async function attempt(endpoint: WebhookEndpoint, due: Delivery): Promise<void> {
    const approval = parts.store.approval(due.approval);
    const attempts = due.attempts + 1;
    const key = { endpoint: endpoint.name, approval: due.approval, event: due.event };
    if (approval === undefined || !isFor(endpoint, approval)) {
      return parts.store.settleDelivery({ ...key, attempts: due.attempts, state: 'skipped', nextAt: 0, problem: null });
    }
    const problem = await post(endpoint, due, approval);
    if (problem === null) {
      return parts.store.settleDelivery({ ...key, attempts, state: 'delivered', nextAt: 0, problem: null });
    }
    const givenUp = attempts >= MAX_ATTEMPTS || gone.has(endpoint.name);
    const wait = (BACKOFF[attempts - 1] ?? BACKOFF.at(-1)!) * 1000;
    const nextAt = parts.clock() + wait;
    parts.log.warn({ webhook: endpoint.name, approval: approval.id, attempts, problem }, 'a webhook was not taken');
    await parts.store.settleDelivery({ ...key, attempts, state: givenUp ? 'given_up' : 'retry', nextAt, problem });
  }

  /** What went wrong, in words without anything of the answer; `null` when it was taken. */
  async function post(endpoint: WebhookEndpoint, due: Delivery, approval: Approval): Promise<string | null> {
    try {
      const at = parts.clock();
      const body = JSON.stringify({
        type: due.event,
        timestamp: new Date(at).toISOString(),
        data: parts.describe(approval),
      });
      const id = `msg_${approval.id}_${due.event.replace('approval.', '')}`;
      const keys = endpoint.secrets().map((secret) => webhookKey(secret, endpoint.name));
      const response = await parts.send(endpoint.url, {
        method: 'POST',
        headers: signedHeaders({ id, at, body }, keys),
        body,
        // Whoever answers cannot send Remit elsewhere, with what it has to say.
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (response.status === 410) gone.add(endpoint.name);
      return response.status >= 200 && response.status < 300 ? null : `status ${response.status}`;
    } catch (error) {
      return error instanceof Error ? error.name : 'failed';
    }
  }

  async function deliverTo(endpoint: WebhookEndpoint): Promise<void> {
    // A round that is slow is not overtaken by the next one.
    if (gone.has(endpoint.name) || busy.has(endpoint.name)) return;
    busy.add(endpoint.name);
    try {
      const due = parts.store.dueDeliveries(endpoint.name, parts.clock(), AT_A_TIME);
      await Promise.all(due.map((each) => attempt(endpoint, each)));
      if (gone.has(endpoint.name)) {
        parts.log.error({ webhook: endpoint.name }, 'the webhook says that it is gone (410): it is told nothing more');
      }
    } catch (error) {
      parts.log.error({ err: error, webhook: endpoint.name }, 'a webhook cannot be served');
    } finally {
      busy.delete(endpoint.name);
    }
  }

  return { deliver: async () => void (await Promise.all(parts.endpoints.map(deliverTo))) };
}

function isFor({ approvers }: WebhookEndpoint, approval: Approval): boolean {
  if (approvers === null) return true;
  return approval.approvers.some((rule) => approvalRule(rule).names.some((name) => approvers.includes(name)));
}
