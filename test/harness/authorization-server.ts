import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, exportPKCS8, generateKeyPair, jwtVerify, type CryptoKey, type JWTPayload } from 'jose';
import { Provider, type KoaContextWithOIDC } from 'oidc-provider';
import { createMemoryAdapters } from '../../src/identity/dev/memory-adapter.ts';
import { browse } from './identity-provider.ts';
import { freePort } from './remit-process.ts';

/** The authorisation server of a target (`oidc-provider`), where Remit is a client. */
export type AuthorizationServer = {
  issuer: string;
  tokenUrl: string;
  revocationUrl: string;
  authorizationUrl: string;
  /** Forms of requests to the token endpoint, in order. */
  requests: URLSearchParams[];
  /** What statements of Remit said, in order. */
  statements: JWTPayload[];
  /** The private key of the client `remit-jwt`, PKCS#8. */
  clientKey: string;
  /** Who signs in. */
  person: { sub: string };
  /** Stands in for the next answers, each once. */
  next: ((response: ServerResponse) => void)[];
  /** Whether the server still takes this access token (RFC 7662). */
  isActive: (token: string) => Promise<boolean>;
  /** A first refresh token, for `ann`. */
  refreshToken: () => Promise<string>;
  close: () => Promise<void>;
};

export const CLIENT_SECRET = 'a+client/secret of:remit';
/** Of a native client: at any port (RFC 8252, section 7.3). */
const REDIRECT_URI = 'http://127.0.0.1/callback';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const GRANTS = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE, JWT_BEARER];

/** @param trusted issuer whose statements of delegators are taken. */
export async function startAuthorizationServer(trusted: {
  issuer: string;
  key: CryptoKey;
  accessTokenSeconds?: number;
}): Promise<AuthorizationServer> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const tokenUrl = `${issuer}/token`;
  const signing = await generateKeyPair('RS256', { extractable: true });
  const client = await generateKeyPair('ES256', { extractable: true });
  const person = { sub: 'ann' };
  const requests: URLSearchParams[] = [];
  const statements: JWTPayload[] = [];
  const next: AuthorizationServer['next'] = [];
  const common = { redirect_uris: [REDIRECT_URI], application_type: 'native' as const, grant_types: GRANTS };
  const provider = new Provider(issuer, {
    adapter: createMemoryAdapters(Date.now),
    clients: [
      { ...common, client_id: 'remit', client_secret: CLIENT_SECRET },
      {
        ...common,
        client_id: 'remit-post',
        client_secret: CLIENT_SECRET,
        token_endpoint_auth_method: 'client_secret_post',
      },
      {
        ...common,
        client_id: 'remit-jwt',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(client.publicKey)), alg: 'ES256', use: 'sig', kid: 'c1' }] as never },
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(signing.privateKey)), alg: 'RS256', use: 'sig', kid: 'as-1' }] as never },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'offline_access', 'contacts.read'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: async () => true },
      introspection: { enabled: true, allowedPolicy: async () => true },
    },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, _client, code) => code.scopes.has('offline_access'),
    ttl: {
      AccessToken: trusted.accessTokenSeconds ?? 300,
      ClientCredentials: trusted.accessTokenSeconds ?? 300,
      AuthorizationCode: 60,
      Interaction: 300,
      Grant: 3600,
      Session: 3600,
      RefreshToken: 3600,
      IdToken: 300,
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    loadExistingGrant: async (ctx) => {
      const { client: of, session } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ clientId: of!.clientId, accountId: session!.accountId! });
      grant.addOIDCScope('openid offline_access contacts.read');
      await grant.save();
      return grant;
    },
  });

  /** A token for what a statement of the trusted issuer says, as a server that trusts it would give one. */
  const issueFor = (typ: string, audience: string, parameter: string) => async (ctx: KoaContextWithOIDC) => {
    const { oidc } = ctx;
    const { payload } = await jwtVerify(String(oidc.params![parameter]), trusted.key, {
      issuer: trusted.issuer,
      audience,
      typ,
      requiredClaims: ['sub', 'exp', 'jti', 'client_id'],
    });
    if (payload['client_id'] !== oidc.client!.clientId) throw new Error('another client');
    statements.push(payload);
    const token = new oidc.provider.ClientCredentials({ client: oidc.client!, scope: undefined as never });
    ctx.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: token.expiration };
  };
  const failing = (handler: (ctx: KoaContextWithOIDC) => Promise<void>) => async (ctx: KoaContextWithOIDC) => {
    await handler(ctx).catch(() => {
      ctx.status = 400;
      ctx.body = { error: 'invalid_grant', error_description: `no: ${String(ctx.oidc.params?.['assertion'])}` };
    });
  };
  const parameters = ['subject_token', 'subject_token_type', 'assertion', 'audience', 'scope'];
  provider.registerGrantType(EXCHANGE, failing(issueFor('JWT', tokenUrl, 'subject_token')), parameters);
  provider.registerGrantType(JWT_BEARER, failing(issueFor('oauth-id-jag+jwt', issuer, 'assertion')), parameters);
  provider.use(async (ctx, then) => {
    await then();
    if (ctx.path === '/token') requests.push(new URLSearchParams(ctx.oidc?.params as Record<string, string>));
  });

  const interact = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { prompt } = await provider.interactionDetails(request, response);
    const login = person.sub === '' ? { error: 'access_denied' } : { login: { accountId: person.sub } };
    const answer = prompt.name === 'consent' ? { consent: {} } : login;
    await provider.interactionFinished(request, response, answer, { mergeWithLastSubmission: true });
  };
  const callback = provider.callback();
  const server = createServer((request, response) => {
    const instead = request.method === 'POST' ? next.shift() : undefined;
    if (instead !== undefined) instead(response);
    else if (request.url?.startsWith('/callback') === true) response.end('you may close this window');
    else if (request.url?.startsWith('/interaction/') === true) {
      interact(request, response).catch(() => response.writeHead(400).end());
    } else void callback(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

  const post = async (path: string, form: Record<string, string>) => {
    const response = await fetch(`${issuer}${path}`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'remit-post', client_secret: CLIENT_SECRET, ...form }),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  return {
    issuer,
    tokenUrl,
    revocationUrl: `${issuer}/token/revocation`,
    authorizationUrl: `${issuer}/auth`,
    requests,
    statements,
    clientKey: await exportPKCS8(client.privateKey),
    person,
    next,
    isActive: async (token) => (await post('/token/introspection', { token }))['active'] === true,
    refreshToken: async () => {
      const verifier = randomBytes(32).toString('base64url');
      const redirectUri = `${issuer}/callback`;
      const query = new URLSearchParams({
        client_id: 'remit-post',
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: 'openid offline_access',
        prompt: 'consent',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      });
      const { url } = await browse(`${issuer}/auth?${query.toString()}`);
      const code = new URL(url).searchParams.get('code') ?? '';
      const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
      return String((await post('/token', form))['refresh_token']);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
