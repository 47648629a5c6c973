/**
 * A company's identity provider: the real `oidc-provider`, with the token exchange of
 * draft-ietf-oauth-identity-assertion-authz-grant-04, section 4.3, registered as a grant of its own.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import Provider from 'oidc-provider';
import { createMemoryAdapters } from '../../../src/identity/dev/memory-adapter.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
const LIFETIME = 300;

export type IdJagIssuer = {
  issuer: string;
  /** The application that signs people in, and asks for assertions. */
  client: { id: string; secret: string };
  close(): Promise<void>;
};

/**
 * @param recognised client ids at other servers: the provider knows how its client is called there (section 6).
 * @param people groups by subject; whom `login_hint` names is signed in.
 */
export async function startIdJagIssuer(options: {
  recognised: (audience: string) => string | undefined;
  people: Readonly<Record<string, readonly string[]>>;
}): Promise<IdJagIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const signing = { alg: 'ES256', kid: 'people', use: 'sig' };
  const client = { id: 'assistant', secret: randomBytes(32).toString('base64url') };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    adapter: createMemoryAdapters(Date.now),
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        token_endpoint_auth_method: 'client_secret_post',
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', EXCHANGE],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), ...signing }] as never },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub', 'auth_time'], groups: ['groups'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    ttl: { IdToken: 300, AccessToken: 300, Session: 300, Grant: 300, Interaction: 300, AuthorizationCode: 60 },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, groups: options.people[sub] ?? [] }) }),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client!.clientId,
        accountId: ctx.oidc.session!.accountId!,
      });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
  });

  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), ...signing }] });
  const parameters = ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'];
  provider.registerGrantType(
    EXCHANGE,
    async (ctx) => {
      const asked = ctx.oidc.params as Record<string, string | undefined>;
      const audience = asked['audience'] ?? '';
      const clientId = options.recognised(audience);
      const subject = await subjectOf(asked['subject_token'] ?? '');
      if (asked['requested_token_type'] !== ID_JAG || clientId === undefined || subject === undefined) {
        ctx.status = 400;
        ctx.body = { error: 'invalid_request' };
        return;
      }
      const { sub, auth_time: authTime } = subject;
      const claims = { client_id: clientId, auth_time: authTime, groups: options.people[sub!] ?? [] };
      const asserted = { ...claims, scope: asked['scope'], resource: asked['resource'] };
      ctx.body = {
        issued_token_type: ID_JAG,
        access_token: await new SignJWT(asserted)
          .setProtectedHeader({ alg: 'ES256', kid: signing.kid, typ: 'oauth-id-jag+jwt' })
          .setIssuer(issuer)
          .setSubject(sub!)
          .setAudience(audience)
          .setJti(randomUUID())
          .setIssuedAt()
          .setExpirationTime(`${LIFETIME} s`)
          .sign(privateKey),
        token_type: 'N_A',
        expires_in: LIFETIME,
        ...(asked['scope'] === undefined ? {} : { scope: asked['scope'] }),
      };
    },
    parameters,
  );

  /** Section 4.3.1: an ID token of ours, for the client that shows it. */
  async function subjectOf(idToken: string): Promise<JWTPayload | undefined> {
    return jwtVerify(idToken, keys, { issuer, audience: client.id }).then(
      ({ payload }) => payload,
      () => undefined,
    );
  }

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params, prompt } = await provider.interactionDetails(request, response);
    const accountId = String(params['login_hint']);
    const result = prompt.name === 'consent' ? { consent: {} } : { login: { accountId } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  }
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url?.startsWith('/interaction/') === true) {
      interact(request, response).catch(() => response.writeHead(400).end());
    } else void answer(request, response);
  });
  return {
    issuer,
    client,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
