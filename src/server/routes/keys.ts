import { z } from '@hono/zod-openapi';
import type { Keys, KeysShown } from '../../token/keys.ts';
import { controlRoute, type ControlApp } from './route.ts';

const keysWire = z.object({
  keys: z.array(
    z.object({
      kid: z.string(),
      state: z.enum(['next', 'current', 'retiring']),
      since: z.iso.datetime(),
      until: z.iso.datetime(),
    }),
  ),
  encrypted: z.boolean(),
});

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/keys',
  summary: 'the keys that sign tokens: since when each is in its state, and until when by schedule',
  answer: keysWire,
});
const rotateRoute = controlRoute({
  method: 'post',
  path: '/v1/keys/rotate',
  summary:
    'publish a new key, which signs when verifiers have had time to see it, or with `now` at once; with `leaked` all others are forgotten',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({ now: z.boolean().default(false), leaked: z.boolean().default(false) }),
        },
      },
    },
  },
  answer: keysWire,
});

export function keyRoutes(app: ControlApp, { keys }: { keys: Keys }): void {
  app.openapi(listRoute, async (c) => c.json(toWire(await keys.list(c.var.asker)), 200));
  app.openapi(rotateRoute, async (c) => c.json(toWire(await keys.rotate(c.var.asker, c.req.valid('json'))), 200));
}

function toWire({ keys, encrypted }: KeysShown): z.output<typeof keysWire> {
  const iso = (time: number) => new Date(time).toISOString();
  return {
    keys: keys.map(({ kid, state, since, until }) => ({ kid, state, since: iso(since), until: iso(until) })),
    encrypted,
  };
}
