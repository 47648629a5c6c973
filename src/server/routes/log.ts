import { z } from '@hono/zod-openapi';
import { NotFound, Unavailable } from '../../core/errors.ts';
import { authorize, type Asker, type AuthorizeParts } from '../../task/authorize.ts';
import { controlRoute, type ControlApp } from './route.ts';

const recordWire = z.object({ index: z.number().int(), record: z.record(z.string(), z.unknown()) });

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/log/records',
  summary: 'records in the order of the log',
  request: {
    query: z.object({
      start: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
  },
  answer: z.object({ size: z.number().int(), records: z.array(recordWire) }),
});
const showRoute = controlRoute({
  method: 'get',
  path: '/v1/log/records/{id}',
  summary: 'one record',
  request: { params: z.object({ id: z.string().min(1).max(64) }) },
  answer: recordWire,
});
const checkpointRoute = controlRoute({
  method: 'get',
  path: '/v1/log/checkpoint',
  summary: 'the newest signed checkpoint (C2SP tlog-checkpoint), to be kept elsewhere',
  answer: z.object({ checkpoint: z.string() }),
});

export function logRoutes(app: ControlApp, parts: AuthorizeParts & { checkpoint: () => string | null }): void {
  const { log } = parts;
  const decided = async (asker: Asker, resources: string[]) =>
    log.append([await authorize(asker, { operation: 'log.read', resources, arguments: {} }, parts)]);
  app.openapi(listRoute, async (c) => {
    await decided(c.var.asker, []);
    const { start, limit } = c.req.valid('query');
    return c.json({ size: log.size(), records: log.entries(start, limit).map(toWire) }, 200);
  });
  app.openapi(showRoute, async (c) => {
    const { id } = c.req.valid('param');
    await decided(c.var.asker, [`record:${id}`]);
    const index = log.indexOf(id);
    const found = index === undefined ? undefined : log.entries(index, 1)[0];
    if (found === undefined) throw new NotFound(`there is no record \`${id}\``);
    return c.json(toWire(found), 200);
  });
  app.openapi(checkpointRoute, async (c) => {
    await decided(c.var.asker, ['checkpoint']);
    const checkpoint = parts.checkpoint();
    if (checkpoint === null) throw new Unavailable('no checkpoint is signed yet; try again in a second');
    return c.json({ checkpoint }, 200);
  });
}

function toWire({ index, entry }: { index: number; entry: string }): z.output<typeof recordWire> {
  return { index, record: JSON.parse(entry) as Record<string, unknown> };
}
