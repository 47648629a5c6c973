import { z } from '@hono/zod-openapi';
import { handleOf, LEASE_KINDS, LEASE_STATES } from '../../core/lease.ts';
import type { Leases, ShownLease } from '../../lease/leases.ts';
import { iso, time } from '../wire.ts';
import { controlRoute, type ControlApp } from './route.ts';

const leaseWire = z
  .object({
    id: z.string(),
    handle: z.string().openapi({ description: 'what stands for its value in what the agent sees and sends' }),
    kind: z.enum(LEASE_KINDS),
    state: z.enum(LEASE_STATES),
    target: z.string(),
    operation: z.string(),
    identifier: z.string().optional().openapi({ description: 'what the target calls it' }),
    task: z.string(),
    purpose: z.string().optional(),
    agent: z.string(),
    delegator: z.string(),
    decision: z.string().openapi({ description: 'the record of the permit' }),
    usable_at: z.array(z.string()),
    made_at: time,
    expires_at: time.optional(),
    revoked_by: z
      .union([
        z.object({ call: z.string() }),
        z.object({ manual: z.string() }),
        z.object({ kept: z.string() }),
        z.object({ forgotten: z.literal(true) }),
      ])
      .openapi({ description: 'how it comes to an end: by a call, by the hand of a person, by none' }),
    attempts: z.number().int(),
    problem: z.string().optional(),
    overstays_since: time.optional(),
    over: z.object({ at: time, by: z.string().optional(), reason: z.string().optional() }).optional(),
  })
  .openapi('Lease');

const idParam = z.object({ id: z.string() });
const reason = z
  .string()
  .min(1)
  .max(500)
  .refine((value) => value.isWellFormed(), 'expected well-formed Unicode');
const body = { required: true, content: { 'application/json': { schema: z.strictObject({ reason }) } } };

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/leases',
  summary: 'what tasks have minted, newest first',
  request: {
    query: z.object({
      task: z.string().optional(),
      target: z.string().optional(),
      state: z.enum(LEASE_STATES).optional(),
      outstanding: z
        .enum(['true', 'false'])
        .default('false')
        .openapi({ description: 'those alone of which something is left to do' }),
      all: z
        .enum(['true', 'false'])
        .default('false')
        .openapi({ description: 'of all tasks, and not of the caller’s own alone' }),
      after: z.string().optional().openapi({ description: 'id of the last lease of the page before' }),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
  },
  answer: z.object({ leases: z.array(leaseWire) }),
});
const showRoute = controlRoute({
  method: 'get',
  path: '/v1/leases/{id}',
  summary: 'one lease; its value is not shown',
  request: { params: idParam },
  answer: leaseWire,
});
const revokeRoute = controlRoute({
  method: 'post',
  path: '/v1/leases/{id}/revoke',
  summary: 'take it back now, by its declared call',
  request: { params: idParam, body },
  answer: leaseWire,
});
const settleRoute = controlRoute({
  method: 'post',
  path: '/v1/leases/{id}/settle',
  summary: 'say that it is gone, after it was taken back by hand',
  request: { params: idParam, body },
  answer: leaseWire,
});
const releaseRoute = controlRoute({
  method: 'post',
  path: '/v1/leases/{id}/release',
  summary: 'let the agent use what was found, at its target and by its handle',
  request: { params: idParam, body },
  answer: leaseWire,
});
const discardRoute = controlRoute({
  method: 'post',
  path: '/v1/leases/{id}/discard',
  summary: 'forget what was found',
  request: { params: idParam, body },
  answer: leaseWire,
});

export function leaseRoutes(app: ControlApp, { leases }: { leases: Leases }): void {
  app.openapi(listRoute, async (c) => {
    const { outstanding, all, ...filter } = c.req.valid('query');
    const found = await leases.list(c.var.asker, {
      ...filter,
      outstanding: outstanding === 'true',
      all: all === 'true',
    });
    return c.json({ leases: found.map(toWire) }, 200);
  });
  app.openapi(showRoute, async (c) => c.json(toWire(await leases.show(c.var.asker, c.req.valid('param').id)), 200));
  app.openapi(revokeRoute, async (c) =>
    c.json(toWire(await leases.revoke(c.var.asker, c.req.valid('param').id, c.req.valid('json').reason)), 200),
  );
  app.openapi(settleRoute, async (c) =>
    c.json(toWire(await leases.settle(c.var.asker, c.req.valid('param').id, c.req.valid('json').reason)), 200),
  );
  app.openapi(releaseRoute, async (c) =>
    c.json(toWire(await leases.release(c.var.asker, c.req.valid('param').id, c.req.valid('json').reason)), 200),
  );
  app.openapi(discardRoute, async (c) =>
    c.json(toWire(await leases.discard(c.var.asker, c.req.valid('param').id, c.req.valid('json').reason)), 200),
  );
}

function toWire({ lease, purpose }: ShownLease): z.output<typeof leaseWire> {
  const { identifier, expiresAt, problem, overstaysSince, over, end } = lease;
  return {
    id: lease.id,
    handle: handleOf(lease.id),
    kind: lease.kind,
    state: lease.state,
    target: lease.target,
    operation: lease.operation,
    ...(identifier === null ? {} : { identifier }),
    task: lease.task,
    ...(purpose === null ? {} : { purpose }),
    agent: lease.agent,
    delegator: lease.delegator,
    decision: lease.decision,
    usable_at: [...lease.usableAt],
    made_at: iso(lease.madeAt),
    ...(expiresAt === null ? {} : { expires_at: iso(expiresAt) }),
    revoked_by: endToWire(end),
    attempts: lease.attempts,
    ...(problem === null ? {} : { problem }),
    ...(overstaysSince === null ? {} : { overstays_since: iso(overstaysSince) }),
    ...(over === null
      ? {}
      : {
          over: {
            at: iso(over.at),
            ...(over.by === null ? {} : { by: over.by }),
            ...(over.reason === null ? {} : { reason: over.reason }),
          },
        }),
  };
}

function endToWire(end: ShownLease['lease']['end']): z.output<typeof leaseWire>['revoked_by'] {
  switch (end.by) {
    case 'call':
      return { call: end.operation };
    case 'hand':
      return { manual: end.step };
    case 'keeping':
      return { kept: end.why };
    case 'forgetting':
      return { forgotten: true };
  }
}
