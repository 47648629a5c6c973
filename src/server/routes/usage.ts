import { z } from '@hono/zod-openapi';
import { SENSITIVITIES } from '../../core/sensitivity.ts';
import { grantForm } from '../../task/grant-form.ts';
import type { UsageReport, UsageReports } from '../../task/usage-report.ts';
import { iso } from '../wire.ts';
import { controlRoute, type ControlApp } from './route.ts';

const usageWire = z
  .object({
    tasks: z.array(z.string()),
    since: z.iso.datetime(),
    complete: z.boolean().openapi({ description: '`false`: used was at least this' }),
    grants: z.array(
      z.object({
        grant: grantForm,
        operations: z.array(
          z.object({
            operation: z.string(),
            times: z.number().int(),
            last_at: z.iso.datetime().nullable(),
            resources: z.array(z.object({ name: z.string(), times: z.number().int() })),
          }),
        ),
        unused_resources: z.array(z.string()),
      }),
    ),
    proposed: z
      .object({
        name: z.string(),
        version: z.number().int(),
        description: z.string(),
        agents: z.array(z.string()),
        grant: z.array(grantForm),
        sensitivity: z.enum(SENSITIVITIES),
        minutes: z.number().int(),
        budget: z.object({ calls: z.number().int(), operations: z.record(z.string(), z.number().int()) }),
        max_hops: z.number().int(),
      })
      .nullable()
      .openapi({ description: 'the narrowest profile for what was done; `null` when nothing was' }),
  })
  .openapi('Usage');

const ofTaskRoute = controlRoute({
  method: 'get',
  path: '/v1/tasks/{id}/usage',
  summary: 'what a task was granted against what was done under it, and the narrower profile for that',
  request: { params: z.object({ id: z.string().min(1).max(64) }) },
  answer: usageWire,
});
const ofAgentRoute = controlRoute({
  method: 'get',
  path: '/v1/usage',
  summary: 'the same over the tasks that an agent was given since then, whoever gave them',
  request: { query: z.object({ agent: z.string().min(1).max(2048), since: z.iso.datetime({ offset: true }) }) },
  answer: usageWire,
});

export function usageRoutes(app: ControlApp, { usage }: { usage: UsageReports }): void {
  app.openapi(ofTaskRoute, async (c) => c.json(toWire(await usage.ofTask(c.var.asker, c.req.valid('param').id)), 200));
  app.openapi(ofAgentRoute, async (c) => {
    const { agent, since } = c.req.valid('query');
    return c.json(toWire(await usage.ofAgent(c.var.asker, agent, Date.parse(since))), 200);
  });
}

function toWire({ since, grants, ...same }: UsageReport): z.output<typeof usageWire> {
  return {
    ...same,
    since: iso(since),
    grants: grants.map(({ grant, operations, unusedResources }) => ({
      grant,
      operations: operations.map(({ lastAt, ...operation }) => ({
        ...operation,
        last_at: lastAt === null ? null : iso(lastAt),
      })),
      unused_resources: unusedResources,
    })),
  };
}
