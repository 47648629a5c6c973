import type { WebhookStore } from '../ports.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { DeliveryTable } from './delivery-table.ts';
import { checkIdentifiers } from './identifier.ts';

export function webhookVerbs(queue: CommitQueue, deliveries: DeliveryTable): WebhookStore {
  return {
    dueDeliveries: (endpoint, now, limit) => deliveries.due(endpoint, now, limit),
    settleDelivery: (delivery) =>
      queue.add(() => {
        checkIdentifiers(delivery.endpoint, delivery.approval);
        deliveries.settle(delivery);
      }),
  };
}
