import { z } from '@hono/zod-openapi';
import type { Approvals } from '../../approval/approvals.ts';
import { APPROVAL_STATES } from '../../core/approval.ts';
import type { StandingAnswers } from '../../approval/standing.ts';
import { approvalToWire, approvalWire, loadToWire, loadWire, standingToWire, standingWire } from '../approval-wire.ts';
import { accessRequestToWire, accessRequestWire } from '../access-request.ts';
import { controlRoute, type ControlApp } from './route.ts';

const idParam = z.object({ id: z.string().min(1).max(64) });

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/approvals',
  summary:
    'approvals that the caller could answer or has asked for, newest first, and how much the caller has answered',
  request: {
    query: z.object({
      state: z.enum(APPROVAL_STATES).optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  answer: z.object({ approvals: z.array(approvalWire), load: loadWire.nullable() }),
});
const showRoute = controlRoute({
  method: 'get',
  path: '/v1/approvals/{id}',
  summary: 'one approval: exactly what is asked for',
  request: { params: idParam },
  answer: approvalWire,
});
const accessRequestRoute = controlRoute({
  method: 'get',
  path: '/v1/access-requests/{id}',
  summary: 'an approval in the shape of the AuthZEN access request profile (draft), for whoever has asked',
  request: { params: idParam },
  answer: accessRequestWire,
});
const reasonForm = z
  .string()
  .min(1)
  .max(500)
  .optional()
  .openapi({ description: 'kept with the answer, for whoever asks why' });
const digestForm = z
  .string()
  .max(100)
  .openapi({ description: 'of the approval as it was shown; for another than that the answer is not taken' });
const answerForm = z.strictObject({ reason: reasonForm, digest: digestForm.optional() });
const patternForm = z.string().min(1).max(500);
const nextForm = z
  .strictObject({
    uses: z.number().int().min(1).max(1000),
    minutes: z.number().int().min(1).max(1000),
    vary: z
      .strictObject({
        arguments: z.record(z.string().max(256), patternForm.nullable()).optional(),
        resources: z.array(patternForm).min(1).max(20).optional(),
      })
      .default({}),
  })
  .openapi({
    description:
      'so many of the next actions like this one, which may differ from it so far: by argument a pattern, or null for any value',
  });
const bodyOf = <Schema extends z.ZodType>(schema: Schema, required: boolean) => ({
  required,
  content: { 'application/json': { schema } },
});
const approveRoute = controlRoute({
  method: 'post',
  path: '/v1/approvals/{id}/approve',
  summary: 'say yes to exactly this action, once; with `next` also to some of the next like it',
  request: { params: idParam, body: bodyOf(answerForm.extend({ next: nextForm.optional() }), false) },
  answer: approvalWire,
});
const refuseRoute = controlRoute({
  method: 'post',
  path: '/v1/approvals/{id}/refuse',
  summary: 'say no',
  request: { params: idParam, body: bodyOf(answerForm, false) },
  answer: approvalWire,
});
const answersRoute = controlRoute({
  method: 'post',
  path: '/v1/approvals/answers',
  summary: 'answer several approvals, each exactly as it was shown, decided and recorded by itself',
  request: {
    body: bodyOf(
      z.strictObject({
        answers: z
          .array(
            z.strictObject({
              id: z.string().min(1).max(64),
              digest: digestForm,
              answer: z.enum(['approved', 'refused']),
              reason: reasonForm,
            }),
          )
          .min(1)
          .max(50),
      }),
      true,
    ),
  },
  answer: z.object({
    results: z.array(
      z.object({
        id: z.string(),
        state: z.enum(APPROVAL_STATES).optional(),
        problem: z.string().optional().openapi({ description: 'why this answer was not taken' }),
      }),
    ),
  }),
});
const standingRoute = controlRoute({
  method: 'get',
  path: '/v1/standing-answers',
  summary: 'answers given beforehand that concern the caller, newest first',
  request: {
    query: z.object({
      all: z.enum(['true', 'false']).default('false').openapi({ description: 'also those that stand no more' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  answer: z.object({ standing_answers: z.array(standingWire) }),
});
const revokeRoute = controlRoute({
  method: 'post',
  path: '/v1/standing-answers/{id}/revoke',
  summary: 'take back an answer given beforehand',
  request: { params: idParam },
  answer: standingWire,
});

export type ApprovalRouteParts = { approvals: Approvals; standing: StandingAnswers; publicUrl: string };

export function approvalRoutes(app: ControlApp, { approvals, standing, publicUrl }: ApprovalRouteParts): void {
  app.openapi(listRoute, async (c) => {
    const { cards, load } = await approvals.list(c.var.asker, c.req.valid('query'));
    return c.json({ approvals: cards.map(approvalToWire), load: load === null ? null : loadToWire(load) }, 200);
  });
  app.openapi(showRoute, async (c) =>
    c.json(approvalToWire(await approvals.show(c.var.asker, c.req.valid('param').id)), 200),
  );
  app.openapi(accessRequestRoute, async (c) =>
    c.json(accessRequestToWire(await approvals.show(c.var.asker, c.req.valid('param').id), publicUrl), 200),
  );
  app.openapi(approveRoute, async (c) => {
    const answer = { to: 'approved' as const, ...c.req.valid('json') };
    return c.json(approvalToWire(await approvals.answer(c.var.asker, c.req.valid('param').id, answer)), 200);
  });
  app.openapi(refuseRoute, async (c) => {
    const answer = { to: 'refused' as const, ...c.req.valid('json') };
    return c.json(approvalToWire(await approvals.answer(c.var.asker, c.req.valid('param').id, answer)), 200);
  });
  app.openapi(answersRoute, async (c) => {
    const answers = c.req.valid('json').answers.map(({ answer, ...rest }) => ({ ...rest, to: answer }));
    const results = await approvals.answerAll(c.var.asker, answers);
    return c.json(
      {
        results: results.map((result) =>
          'card' in result
            ? { id: result.id, state: result.card.state }
            : { id: result.id, problem: result.problem.message },
        ),
      },
      200,
    );
  });
  app.openapi(standingRoute, async (c) => {
    const { all, limit } = c.req.valid('query');
    const found = await standing.list(c.var.asker, { active: all === 'false', limit });
    return c.json({ standing_answers: found.map(standingToWire) }, 200);
  });
  app.openapi(revokeRoute, async (c) =>
    c.json(standingToWire(await standing.revoke(c.var.asker, c.req.valid('param').id)), 200),
  );
}
