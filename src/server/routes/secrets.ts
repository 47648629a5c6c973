import { z } from '@hono/zod-openapi';
import { secretName } from '../../config/secret-place.ts';
import type { KeptSecrets, SecretShown } from '../../credential/kept-secrets.ts';
import { controlRoute, type ControlApp } from './route.ts';

const secretWire = z
  .object({ name: z.string(), version: z.number().int(), set_at: z.iso.datetime(), targets: z.array(z.string()) })
  .openapi('Secret');

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/secrets',
  summary: 'the secrets of the encrypted store by name; their values come out nowhere',
  answer: z.object({ secrets: z.array(secretWire) }),
});

function bodyRoute<Path extends string, Body extends z.ZodType, Answer extends z.ZodType>(
  path: Path,
  summary: string,
  body: Body,
  answer: Answer,
) {
  const request = { body: { required: true, content: { 'application/json': { schema: body } } } };
  return controlRoute({ method: 'post', path, summary, request, answer });
}

const named = z.strictObject({ name: secretName });
const valued = z.strictObject({ name: secretName, value: z.string() });
const setRoute = bodyRoute('/v1/secrets/set', 'put a secret into the encrypted store', valued, secretWire);
const rotateRoute = bodyRoute(
  '/v1/secrets/rotate',
  'give a secret another value, which the next request to a target takes',
  valued,
  secretWire,
);
const removeRoute = bodyRoute('/v1/secrets/remove', 'remove a secret', named, secretWire);
const resealRoute = bodyRoute(
  '/v1/secrets/reseal',
  'encrypt everything that is kept with a new key, and forget the keys before',
  z.strictObject({}),
  z.object({ resealed: z.number().int(), unreadable: z.array(z.string()) }),
);

export function secretRoutes(app: ControlApp, { secrets }: { secrets: KeptSecrets }): void {
  app.openapi(listRoute, async (c) => c.json({ secrets: (await secrets.list(c.var.asker)).map(toWire) }, 200));
  app.openapi(setRoute, async (c) => c.json(toWire(await secrets.set(c.var.asker, c.req.valid('json'))), 200));
  app.openapi(rotateRoute, async (c) => c.json(toWire(await secrets.rotate(c.var.asker, c.req.valid('json'))), 200));
  app.openapi(removeRoute, async (c) =>
    c.json(toWire(await secrets.remove(c.var.asker, c.req.valid('json').name)), 200),
  );
  app.openapi(resealRoute, async (c) => c.json(await secrets.reseal(c.var.asker), 200));
}

function toWire({ name, version, at, targets }: SecretShown): z.output<typeof secretWire> {
  return { name, version, set_at: new Date(at).toISOString(), targets: [...targets] };
}
