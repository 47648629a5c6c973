import { z } from '@hono/zod-openapi';
import type { Consents, ConsentShown } from '../../credential/oauth/consents.ts';
import { controlRoute, type ControlApp } from './route.ts';

const consentWire = z.object({ target: z.string(), given_at: z.iso.datetime() }).openapi('Consent');
const targetName = z.string().min(1).max(128);

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/consents',
  summary: 'the targets that the person lets remit act for them at',
  answer: z.object({ consents: z.array(consentWire) }),
});
const beginRoute = controlRoute({
  method: 'post',
  path: '/v1/consents/begin',
  summary: "begin to consent: where the person has to go at the target's own authorisation server",
  request: {
    body: {
      required: true,
      content: {
        'application/json': { schema: z.strictObject({ target: targetName, redirect_uri: z.string().max(256) }) },
      },
    },
  },
  answer: z.object({ id: z.string(), authorization_url: z.string(), expires_at: z.iso.datetime() }),
});
const completeRoute = controlRoute({
  method: 'post',
  path: '/v1/consents/complete',
  summary: 'complete a consent with the query that came back to the redirect URI',
  request: {
    body: {
      required: true,
      content: {
        'application/json': { schema: z.strictObject({ id: z.string().max(64), response: z.string().max(8192) }) },
      },
    },
  },
  answer: consentWire,
});
const withdrawRoute = controlRoute({
  method: 'post',
  path: '/v1/consents/withdraw',
  summary: 'withdraw a consent: from now on nothing is done by it',
  request: {
    body: { required: true, content: { 'application/json': { schema: z.strictObject({ target: targetName }) } } },
  },
  answer: z.object({ target: z.string(), revoked: z.boolean().nullable() }),
});

export function consentRoutes(app: ControlApp, { consents }: { consents: Consents }): void {
  app.openapi(listRoute, async (c) => c.json({ consents: (await consents.list(c.var.asker)).map(toWire) }, 200));
  app.openapi(beginRoute, async (c) => {
    const { target, redirect_uri: redirectUri } = c.req.valid('json');
    const begun = await consents.begin(c.var.asker, { target, redirectUri });
    const expires = new Date(begun.expiresAt).toISOString();
    return c.json({ id: begun.id, authorization_url: begun.authorizationUrl, expires_at: expires }, 200);
  });
  app.openapi(completeRoute, async (c) =>
    c.json(toWire(await consents.complete(c.var.asker, c.req.valid('json'))), 200),
  );
  app.openapi(withdrawRoute, async (c) =>
    c.json(await consents.withdraw(c.var.asker, c.req.valid('json').target), 200),
  );
}

function toWire({ target, givenAt }: ConsentShown): z.output<typeof consentWire> {
  return { target, given_at: new Date(givenAt).toISOString() };
}
