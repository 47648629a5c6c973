import type { JsonObject } from '../core/json.ts';
import type { Lease } from '../core/lease.ts';
import type { EventRecord } from '../core/record.ts';

export type LeaseEvent = Extract<EventRecord['event'], `lease.${string}`>;

/** INVARIANT 14: of a lease everything but its value, which nothing here knows. */
export function leaseEvent(
  event: LeaseEvent,
  lease: Lease,
  record: { id: string; time: number },
  about: JsonObject = {},
): EventRecord {
  const { id, task, agent, delegator, target, operation, kind, decision, identifier, expiresAt } = lease;
  return {
    version: 1,
    ...record,
    kind: 'event',
    event,
    subject: {
      lease: id,
      task,
      agent,
      delegator,
      target,
      operation,
      kind,
      decision,
      ...(identifier === null ? {} : { identifier }),
      ...(expiresAt === null ? {} : { expires_at: expiresAt }),
      ...about,
    },
  };
}
