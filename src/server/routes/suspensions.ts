import { z } from '@hono/zod-openapi';
import { SUSPENSION_KINDS, type Suspension } from '../../core/suspension.ts';
import type { Suspensions } from '../../ending/suspensions.ts';
import { controlRoute, type ControlApp } from './route.ts';

const suspensionWire = z
  .object({
    kind: z.enum(SUSPENSION_KINDS),
    id: z.string(),
    since: z.iso.datetime(),
    by: z.string(),
    reason: z.string(),
  })
  .openapi('Suspension');

const named = z.strictObject({
  kind: z.enum(SUSPENSION_KINDS),
  id: z
    .string()
    .min(1)
    .max(2048)
    .refine((value) => value.isWellFormed(), 'expected well-formed Unicode')
    .optional()
    .openapi({
      description: 'the name of a target or of a trust domain, or `ISSUER|SUBJECT` of a person; everything has none',
    }),
  reason: z
    .string()
    .min(1)
    .max(500)
    .refine((value) => value.isWellFormed(), 'expected well-formed Unicode'),
});
const body = { required: true, content: { 'application/json': { schema: named } } };

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/suspensions',
  summary: 'what may do nothing now, oldest first',
  answer: z.object({ suspensions: z.array(suspensionWire) }),
});
const suspendRoute = controlRoute({
  method: 'post',
  path: '/v1/suspensions',
  summary: 'suspend a delegator, a target, a trust domain or everything; live tasks end with it',
  request: { body },
  answer: suspensionWire.extend({ ended: z.number().int() }),
});
const resumeRoute = controlRoute({
  method: 'post',
  path: '/v1/suspensions/resume',
  summary: 'let it act again; what has ended stays ended',
  request: { body },
  answer: z.object({}),
});

export function suspensionRoutes(app: ControlApp, { suspensions }: { suspensions: Suspensions }): void {
  app.openapi(listRoute, async (c) => c.json({ suspensions: (await suspensions.list(c.var.asker)).map(toWire) }, 200));
  app.openapi(suspendRoute, async (c) => {
    const { suspension, ended } = await suspensions.suspend(c.var.asker, withId(c.req.valid('json')));
    return c.json({ ...toWire(suspension), ended }, 200);
  });
  app.openapi(resumeRoute, async (c) => {
    await suspensions.resume(c.var.asker, withId(c.req.valid('json')));
    return c.json({}, 200);
  });
}

function withId({ kind, id, reason }: z.output<typeof named>) {
  return { kind, id, reason };
}

function toWire({ kind, id, since, by, reason }: Suspension): z.output<typeof suspensionWire> {
  return { kind, id, since: new Date(since).toISOString(), by, reason };
}
