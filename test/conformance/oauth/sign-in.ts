import * as openid from 'openid-client';

const REDIRECT = 'http://127.0.0.1/callback';

/** Signs `person` in at a provider by code flow with PKCE, as a browser and `openid-client` would; `by` a public client. */
export async function signIn(
  issuer: string,
  person: string,
  by: { id: string; secret?: string } = { id: 'remit' },
): Promise<{ idToken: string; tokenType: string }> {
  const insecure = { execute: [openid.allowInsecureRequests] };
  const authentication = by.secret === undefined ? openid.None() : openid.ClientSecretPost(by.secret);
  const config = await openid.discovery(new URL(issuer), by.id, undefined, authentication, insecure);
  const verifier = openid.randomPKCECodeVerifier();
  const nonce = openid.randomNonce();
  const state = openid.randomState();
  const start = openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: 'openid profile email groups',
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    login_hint: person,
    nonce,
    state,
  });
  const back = await browse(start);
  const tokens = await openid.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedNonce: nonce,
    expectedState: state,
    idTokenExpected: true,
  });
  return { idToken: tokens.id_token!, tokenType: tokens.token_type };
}

/** Follows redirects with cookies until the provider sends the browser back. */
async function browse(start: URL): Promise<URL> {
  const cookies = new Map<string, string>();
  let at = start;
  for (let n = 0; n < 10; n++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(at, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0]!.split('=') as [string, string];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`the provider answered ${response.status} at ${at.pathname}`);
    at = new URL(location, at);
    if (at.href.startsWith(REDIRECT)) return at;
  }
  throw new Error('the provider redirects without end');
}
