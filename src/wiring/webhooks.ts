/** Webhooks that are told of approvals. */
import type { Logger } from 'pino';
import { cardOf, type CardParts } from '../approval/card.ts';
import { webhookKey } from '../approval/webhook-signature.ts';
import { createWebhooks } from '../approval/webhooks.ts';
import type { Config } from '../config/config.ts';
import { readSecret } from '../config/read-secret.ts';
import type { JsonObject } from '../core/json.ts';
import { approvalToWire } from '../server/approval-wire.ts';
import type { WebhookStore } from '../store/ports.ts';

/** How long a new approval waits at most until somebody is told. */
const LOOK_EVERY_MS = 500;

/**
 * Starts telling them. The card is that of a list: long arguments are cut, and secrets are in none.
 *
 * @throws InvalidConfig for a secret that cannot be read or is none.
 */
export function startWebhooks(
  { approvals, server }: Pick<Config, 'approvals' | 'server'>,
  parts: CardParts & { store: WebhookStore; env: Record<string, string | undefined>; log: Logger },
): { stop(): void } {
  const endpoints = approvals.webhooks.map(({ secrets, ...endpoint }) => ({
    ...endpoint,
    secrets: () => secrets.map((source) => readSecret(source, parts.env)),
  }));
  if (endpoints.length === 0) return { stop: () => undefined };
  for (const { name, secrets } of endpoints) for (const secret of secrets()) webhookKey(secret, name);
  const webhooks = createWebhooks({
    endpoints,
    store: parts.store,
    describe: (approval) => ({
      approval: JSON.parse(JSON.stringify(approvalToWire(cardOf(approval, { full: false }, parts)))) as JsonObject,
      api: `${server.publicUrl}/v1/approvals/${approval.id}`,
      page: `${server.publicUrl}/approvals/${approval.id}`,
    }),
    send: (url, request) => fetch(url, request),
    clock: parts.clock,
    log: parts.log,
  });
  const timer = setInterval(() => void webhooks.deliver(), LOOK_EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
