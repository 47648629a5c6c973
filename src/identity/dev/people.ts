import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { InvalidConfig } from '../../core/errors.ts';
import { createMemoryAdapters } from './memory-adapter.ts';

/** Sample people of the development provider. */
export const DEV_PEOPLE = {
  alice: { name: 'Alice', groups: ['staff', 'note-takers'] },
  bob: { name: 'Bob', groups: ['staff', 'note-owners'] },
  carol: { name: 'Carol', groups: ['staff', 'security'] },
  dan: { name: 'Dan', groups: [] },
} as const;

export const DEV_REDIRECT_URI = 'http://127.0.0.1/callback';

type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The embedded OpenID provider, for development only: it signs in whom `login_hint` names, or who is chosen on its page,
 * without a password. It answers below the path of its issuer.
 *
 * @throws InvalidConfig when the package `oidc-provider` is not installed.
 */
export async function createDevPeople(options: {
  issuer: string;
  clientId: string;
  dir: string;
}): Promise<NodeHandler> {
  const { default: Provider } = await import('oidc-provider').catch((cause: unknown) => {
    throw new InvalidConfig(
      'the development provider needs the package `oidc-provider`; install it, or name an issuer',
      { cause },
    );
  });
  const prefix = new URL(options.issuer).pathname;
  const provider = new Provider(options.issuer, {
    adapter: createMemoryAdapters(Date.now),
    clients: [
      {
        client_id: options.clientId,
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        redirect_uris: [DEV_REDIRECT_URI],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    // The provider's type wants `alg` and `use`, which this key has from a file.
    jwks: { keys: [await signingKey(options.dir)] as never },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time'],
      profile: ['name'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    ttl: { IdToken: 3600, AccessToken: 300, Session: 3600, Grant: 3600, Interaction: 300, AuthorizationCode: 60 },
    interactions: { url: (_ctx, interaction) => `${prefix}/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => (Object.hasOwn(DEV_PEOPLE, id) ? account(id as keyof typeof DEV_PEOPLE) : undefined),
    // Consent is not what is tried out here.
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
  const callback = provider.callback();

  const signIn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { params, prompt } = await provider.interactionDetails(request, response);
    // A native client is always asked for consent; here nobody is there to ask.
    if (prompt.name === 'consent') {
      await provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true });
      return;
    }
    const chosen = new URL(request.url!, options.issuer).searchParams.get('as') ?? params['login_hint'];
    if (chosen === undefined) {
      offer(response);
      return;
    }
    const hint = typeof chosen === 'string' ? chosen : '';
    const result = Object.hasOwn(DEV_PEOPLE, hint)
      ? { login: { accountId: hint, acr: 'urn:remit:dev', amr: ['dev'] } }
      : { error: 'access_denied', error_description: 'name one of the sample people as login_hint' };
    await provider.interactionFinished(request, response, result);
  };

  return (request, response) => {
    if (request.url?.startsWith(`${prefix}/interaction/`) === true) {
      signIn(request, response).catch(() => response.writeHead(400).end('the sign-in has expired; start again'));
      return;
    }
    // The provider reads the outer path from `originalUrl`, as it would below a router.
    Object.assign(request, { originalUrl: request.url, url: request.url?.slice(prefix.length) || '/' });
    void callback(request, response);
  };
}

/** Who comes without a hint, as `remit login` does, chooses on a page. */
function offer(response: ServerResponse): void {
  const people = Object.entries(DEV_PEOPLE).map(([id, { name }]) => `<li><a href="?as=${id}">${name}</a></li>`);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`<!doctype html><title>Remit</title><h1>Who are you? (development)</h1><ul>${people.join('')}</ul>\n`);
}

function account(id: keyof typeof DEV_PEOPLE) {
  const { name, groups } = DEV_PEOPLE[id];
  return {
    accountId: id,
    claims: () => ({ sub: id, name, email: `${id}@example.test`, email_verified: true, groups: [...groups] }),
  };
}

async function signingKey(dir: string): Promise<JWK> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, 'people.jwk');
  if (!existsSync(file)) {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    writeFileSync(file, JSON.stringify({ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }), {
      mode: 0o600,
    });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as JWK;
}
