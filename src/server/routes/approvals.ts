import { z } from '@hono/zod-openapi';
import type { Approvals } from '../../approval/approvals.ts';
import { APPROVAL_STATES } from '../../core/approval.ts';
import { approvalToWire, approvalWire } from '../approval-wire.ts';
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
const answerForm = z.strictObject({
  reason: z.string().min(1).max(500).optional().openapi({ description: 'kept with the answer, for whoever asks why' }),
  digest: z
    .string()
    .max(100)
    .optional()
    .openapi({ description: 'of the approval as it was shown; for another than that the answer is not taken' }),
});
const answerBody = { required: false, content: { 'application/json': { schema: answerForm } } };
const approveRoute = controlRoute({
  method: 'post',
  path: '/v1/approvals/{id}/approve',
  summary: 'say yes to exactly this action, once',
  request: { params: idParam, body: answerBody },
  answer: approvalWire,
});
const refuseRoute = controlRoute({
  method: 'post',
  path: '/v1/approvals/{id}/refuse',
  summary: 'say no',
  request: { params: idParam, body: answerBody },
  answer: approvalWire,
});

export type ApprovalRouteParts = { approvals: Approvals };

export function approvalRoutes(app: ControlApp, { approvals }: ApprovalRouteParts): void {
  app.openapi(listRoute, async (c) => {
    const found = await approvals.list(c.var.asker, c.req.valid('query'));
    return c.json({ approvals: found.map(approvalToWire) }, 200);
  });
  app.openapi(showRoute, async (c) =>
    c.json(approvalToWire(await approvals.show(c.var.asker, c.req.valid('param').id)), 200),
  );
  app.openapi(approveRoute, async (c) => {
    const answer = { to: 'approved' as const, ...c.req.valid('json') };
    return c.json(approvalToWire(await approvals.answer(c.var.asker, c.req.valid('param').id, answer)), 200);
  });
  app.openapi(refuseRoute, async (c) => {
    const answer = { to: 'refused' as const, ...c.req.valid('json') };
    return c.json(approvalToWire(await approvals.answer(c.var.asker, c.req.valid('param').id, answer)), 200);
  });
}
