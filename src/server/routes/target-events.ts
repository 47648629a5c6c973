import { z } from '@hono/zod-openapi';
import { MOST_REPORTED, reportEvents, type ReportParts } from '../../telemetry/report-events.ts';
import { controlRoute, type ControlApp } from './route.ts';

const eventWire = z.strictObject({
  id: z.string().min(1).max(128),
  time: z.iso.datetime({ offset: true }),
  operation: z.string().min(1).max(256),
  outcome: z.enum(['done', 'refused', 'failed']),
  record: z.string().min(1).max(64).optional(),
  traceparent: z
    .string()
    .regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
    .optional(),
  detail: z.string().max(500).optional(),
});

const reportRoute = controlRoute({
  method: 'post',
  path: '/v1/targets/{target}/events',
  summary: 'what a target did, in its own words: by its resource server, each event kept as a record',
  request: {
    params: z.object({ target: z.string().max(63) }),
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({ events: z.array(eventWire).min(1).max(MOST_REPORTED) }),
        },
      },
    },
  },
  answer: z.object({
    events: z.array(
      z.object({
        id: z.string(),
        record: z.string(),
        problem: z
          .enum(['names_no_record', 'no_such_record', 'of_another_target', 'not_permitted', 'other_operation'])
          .nullable(),
      }),
    ),
  }),
});

export function targetEventRoutes(app: ControlApp, parts: ReportParts): void {
  app.openapi(reportRoute, async (c) => {
    const { target } = c.req.valid('param');
    const events = c.req.valid('json').events.map(({ time, ...event }) => ({ ...event, time: Date.parse(time) }));
    return c.json({ events: await reportEvents(c.var.asker, { target, events }, parts) }, 200);
  });
}
