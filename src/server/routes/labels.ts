import { z } from '@hono/zod-openapi';
import { ARGUMENT_ORIGINS, SOURCE_NOTES } from '../../core/action.ts';
import type { Labels } from '../../provenance/labels.ts';
import { controlRoute, type ControlApp } from './route.ts';

const origin = z.enum(ARGUMENT_ORIGINS);
const origins = z.array(origin).readonly();
const wellFormed = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed(), 'expected well-formed Unicode');

const declassifiedWire = z.object({ value: z.string(), record: z.string(), at: z.iso.datetime() });

const showRoute = controlRoute({
  method: 'get',
  path: '/v1/tasks/{id}/labels',
  summary:
    'what the task, and all that belongs with it, has read: the labels, oldest first, and the values that people answered for',
  request: { params: z.object({ id: z.string().min(1).max(64) }) },
  answer: z.object({
    labels: z.array(z.object({ label: z.string(), record: z.string(), at: z.iso.datetime() })),
    declassified: z.array(declassifiedWire),
  }),
});
const declassifyRoute = controlRoute({
  method: 'post',
  path: '/v1/tasks/{id}/declassify',
  summary: 'answer for one value, as it is: it is trusted in this task from now on; no label goes',
  request: {
    params: z.object({ id: z.string().min(1).max(64) }),
    body: {
      required: true,
      content: {
        'application/json': { schema: z.strictObject({ value: wellFormed(2000), reason: wellFormed(500) }) },
      },
    },
  },
  answer: declassifiedWire,
});
const explainRoute = controlRoute({
  method: 'get',
  path: '/v1/labels/explain/{record}',
  summary: 'why each argument of a recorded action is from where it is said to be, and what its task had read',
  request: { params: z.object({ record: z.string().min(1).max(64) }) },
  answer: z.object({
    record: z.string(),
    target: z.string(),
    operation: z.string(),
    outcome: z.string(),
    provenance: z.record(z.string(), origin).readonly(),
    flow: z
      .object({ targets: origins, addresses: origins, settings: origins, content: origins, links: origins })
      .nullable(),
    values: z.array(
      z.object({
        path: z.string(),
        origin,
        seen: z.array(z.object({ id: z.string(), origin, what: z.string() })),
        because: z.enum(SOURCE_NOTES).optional(),
        text: z.string(),
      }),
    ),
    labels: z.array(z.string()),
  }),
});

export function labelRoutes(app: ControlApp, { labels }: { labels: Labels }): void {
  app.openapi(showRoute, async (c) => {
    const { labels: kept, declassified } = await labels.show(c.var.asker, c.req.valid('param').id);
    return c.json({ labels: kept.map(withTime), declassified: declassified.map(withTime) }, 200);
  });
  app.openapi(declassifyRoute, async (c) => {
    const made = await labels.declassify(c.var.asker, { task: c.req.valid('param').id, ...c.req.valid('json') });
    return c.json(withTime(made), 200);
  });
  app.openapi(explainRoute, async (c) => {
    return c.json(await labels.explain(c.var.asker, c.req.valid('param').record), 200);
  });
}

function withTime<Made extends { at: number }>({ at, ...made }: Made): Omit<Made, 'at'> & { at: string } {
  return { ...made, at: new Date(at).toISOString() };
}
