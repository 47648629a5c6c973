import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { exchangeToken, type TokenEndpointParts, type TokenRequest } from '../../token/endpoint.ts';
import { CLIENT_PARAMETERS, TOKEN_PARAMETERS } from '../../token/form.ts';
import { introspectToken, type IntrospectionParts } from '../../token/introspection.ts';
import { revokeToken, type RevocationParts } from '../../token/revocation.ts';
import { grantForm } from '../../task/grant-form.ts';
import { peerOf } from '../peer-of.ts';
import type { ControlApp } from './route.ts';

export type OAuthRouteParts = {
  tokens: TokenEndpointParts;
  revocation: RevocationParts;
  introspection: IntrospectionParts;
  newId: (prefix: string) => string;
};

/** They answer as RFC 6749, section 5.2, says. */
export const OAUTH_ENDPOINTS: ReadonlySet<string> = new Set(['/token', '/revoke', '/introspect']);

const ABOUT_A_TOKEN = [...CLIENT_PARAMETERS, 'token', 'token_type_hint'] as const;

const tokenWire = z.object({
  access_token: z.string(),
  issued_token_type: z.string(),
  token_type: z.enum(['DPoP', 'Bearer']),
  expires_in: z.number().int(),
  authorization_details: z.array(grantForm).optional(),
  scope: z.string().optional(),
});
const introspectionWire = z.looseObject({ active: z.boolean() });

/** The OAuth endpoints: forms and answers of their own RFCs. What a form holds is checked where it is read. */
export function oauthRoutes(app: ControlApp, parts: OAuthRouteParts): void {
  document(app, '/token', {
    summary: 'a token by exchange, client credentials or identity assertion (RFC 6749, 7523, 8693)',
    parameters: TOKEN_PARAMETERS,
    answer: tokenWire,
  });
  document(app, '/revoke', { summary: 'revoke a token (RFC 7009)', parameters: ABOUT_A_TOKEN, answer: null });
  document(app, '/introspect', {
    summary: 'whether a token for the asking resource server is good (RFC 7662)',
    parameters: ABOUT_A_TOKEN,
    answer: introspectionWire,
  });
  app.post('/token', async (c) => c.json(await exchangeToken(await tokenRequest(c, parts), parts.tokens)));
  app.post('/introspect', async (c) =>
    c.json(await introspectToken(await tokenRequest(c, parts), parts.introspection)),
  );
  app.post('/revoke', async (c) => {
    await revokeToken(await tokenRequest(c, parts), parts.revocation);
    return c.body(null, 200);
  });
}

const oauthError = (description: string) => ({
  description,
  content: {
    'application/json': { schema: z.object({ error: z.string(), error_description: z.string().optional() }) },
  },
});

function document(
  app: ControlApp,
  path: string,
  about: { summary: string; parameters: readonly string[]; answer: z.ZodType | null },
): void {
  const form = z.object(Object.fromEntries(about.parameters.map((name) => [name, z.string().optional()])));
  const content = about.answer === null ? undefined : { 'application/json': { schema: about.answer } };
  app.openAPIRegistry.registerPath({
    method: 'post',
    path,
    summary: about.summary,
    request: { body: { required: true, content: { 'application/x-www-form-urlencoded': { schema: form } } } },
    responses: {
      200: { description: 'done', ...(content === undefined ? {} : { content }) },
      400: oauthError('the request, what it rests on or its proof is not good, or policy does not permit it'),
      401: oauthError('the client does not prove itself'),
      503: oauthError('nothing can be recorded now, so nothing is done'),
    },
  });
}

async function tokenRequest(c: Context, { newId }: OAuthRouteParts): Promise<TokenRequest> {
  const { headers } = c.req.raw;
  const { certificate } = peerOf(c);
  const contentType = headers.get('content-type') ?? '';
  return { headers, certificate, contentType, body: await c.req.text(), request: newId('req') };
}
