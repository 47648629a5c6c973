import { z } from '@hono/zod-openapi';
import type { Approvals } from '../../approval/approvals.ts';
import { APPROVAL_STATES } from '../../core/approval.ts';
import { approvalToWire, approvalWire } from '../wire.ts';
import { controlRoute, type ControlApp } from './route.ts';

const idParam = z.object({ id: z.string().min(1).max(64) });

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/approvals',
  summary: 'approvals that the caller could answer or has asked for, newest first',
  request: {
    query: z.object({
      state: z.enum(APPROVAL_STATES).optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  answer: z.object({ approvals: z.array(approvalWire) }),
});
const showRoute = controlRoute({
  method: 'get',
  path: '/v1/approvals/{id}',
  summary: 'one approval: exactly what is asked for',
  request: { params: idParam },
  answer: approvalWire,
});
const approveRoute = controlRoute({
  method: 'post',
  path: '/v1/approvals/{id}/approve',
  summary: 'say yes to exactly this action, once',
  request: { params: idParam },
  answer: approvalWire,
});
const refuseRoute = controlRoute({
  method: 'post',
  path: '/v1/approvals/{id}/refuse',
  summary: 'say no',
  request: { params: idParam },
  answer: approvalWire,
});

export type ApprovalRouteParts = { approvals: Approvals; clock: () => number };

export function approvalRoutes(app: ControlApp, parts: ApprovalRouteParts): void {
  const { approvals, clock } = parts;
  app.openapi(listRoute, async (c) => {
    const found = await approvals.list(c.var.asker, c.req.valid('query'));
    return c.json({ approvals: found.map((approval) => approvalToWire(approval, clock())) }, 200);
  });
  app.openapi(showRoute, async (c) =>
    c.json(approvalToWire(await approvals.show(c.var.asker, c.req.valid('param').id), clock()), 200),
  );
  app.openapi(approveRoute, async (c) =>
    c.json(approvalToWire(await approvals.answer(c.var.asker, c.req.valid('param').id, 'approved'), clock()), 200),
  );
  app.openapi(refuseRoute, async (c) =>
    c.json(approvalToWire(await approvals.answer(c.var.asker, c.req.valid('param').id, 'refused'), clock()), 200),
  );
}
