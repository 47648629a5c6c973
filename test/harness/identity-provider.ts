import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { createMemoryAdapters } from '../../src/identity/dev/memory-adapter.ts';
import { freePort } from './remit-process.ts';

/** A real OpenID provider on loopback (`oidc-provider`), whose sign-in page takes whoever comes for `person`. */
export type IdentityProvider = {
  issuer: string;
  /** Who signs in next, and how strongly. */
  person: { sub: string; acr: string; name: string; groups: string[] };
  /** The refresh tokens that were revoked. */
  revoked: string[];
  close: () => Promise<void>;
};

export const CLIENT_ID = 'remit-cli';

export async function startIdentityProvider(options: { idTokenSeconds?: number } = {}): Promise<IdentityProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const person = { sub: 'ann', acr: 'phr', name: 'Ann', groups: ['staff'] };
  const revoked: string[] = [];
  const provider = new Provider(issuer, {
    adapter: createMemoryAdapters(Date.now),
    clients: [
      {
        client_id: CLIENT_ID,
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'idp-1' }] as never },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'profile', 'offline_access'],
    acrValues: ['phr', 'pwd'],
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], profile: ['name', 'realm_access'] },
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: async (ctx, form) => void (ctx.body = form),
        userCodeConfirmSource: async (ctx, form) => void (ctx.body = form),
        successSource: async (ctx) => void (ctx.body = 'the device is signed in'),
      },
    },
    rotateRefreshToken: true,
    ttl: { IdToken: options.idTokenSeconds ?? 3600, AccessToken: 300, Interaction: 300, AuthorizationCode: 60 },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: person.name, realm_access: { roles: person.groups } }),
    }),
    issueRefreshToken: async (_ctx, _client, code) => code.scopes.has('offline_access'),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client!.clientId,
        accountId: ctx.oidc.session!.accountId!,
      });
      grant.addOIDCScope('openid profile offline_access');
      await grant.save();
      return grant;
    },
  });
  provider.on('grant.revoked', (_ctx, grantId) => void revoked.push(grantId));

  const interact = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { prompt } = await provider.interactionDetails(request, response);
    const answer =
      prompt.name === 'consent'
        ? { consent: {} }
        : person.sub === ''
          ? { error: 'access_denied', error_description: 'not today\u001b[2J' }
          : { login: { accountId: person.sub, acr: person.acr, amr: ['hwk'] } };
    await provider.interactionFinished(request, response, answer, { mergeWithLastSubmission: true });
  };
  const callback = provider.callback();
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/interaction/') === true) {
      interact(request, response).catch(() => response.writeHead(400).end());
    } else void callback(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    issuer,
    person,
    revoked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Goes through a sign-in as a browser would: follows redirects, keeps cookies by host, and sends the forms it meets. */
export async function browse(start: string): Promise<{ url: string; status: number; text: string }> {
  const jars = new Map<string, Map<string, string>>();
  let next: { url: URL; form?: URLSearchParams } = { url: new URL(start) };
  for (let hops = 0; hops < 20; hops++) {
    const { url, form } = next;
    const jar = jars.get(url.origin) ?? new Map<string, string>();
    jars.set(url.origin, jar);
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    const text = await response.text();
    const location = response.headers.get('location');
    const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1];
    if (location !== null) next = { url: new URL(location, url) };
    else if (action !== undefined && response.status === 200) {
      const inputs = [...text.matchAll(/<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)];
      next = {
        url: new URL(action, url),
        form: new URLSearchParams(Object.fromEntries(inputs.map(([, name, value]) => [name!, value!]))),
      };
    } else return { url: url.href, status: response.status, text };
  }
  throw new Error('the browser was sent around in circles');
}
