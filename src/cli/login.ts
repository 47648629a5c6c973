import * as oauth from 'oauth4webapi';
import { InvalidRequest, Unavailable } from '../core/errors.ts';

const REDIRECT_URI = 'http://127.0.0.1/callback';
const MAX_REDIRECTS = 10;

/**
 * An ID token by the authorization-code flow with PKCE (RFC 7636), as one of the sample people of a development
 * provider: it needs nobody to type a password, so this follows the redirects itself.
 *
 * @throws InvalidRequest when the provider does not sign this person in; Unavailable when it cannot be reached.
 */
export async function obtainIdToken(options: { issuer: string; clientId: string; as: string }): Promise<string> {
  const issuer = new URL(options.issuer);
  const insecure = { [oauth.allowInsecureRequests]: true };
  const server = await oauth
    .discoveryRequest(issuer, { algorithm: 'oidc', ...insecure })
    .then((response) => oauth.processDiscoveryResponse(issuer, response))
    .catch((cause: unknown) => {
      throw new Unavailable(`the identity provider \`${options.issuer}\` cannot be reached`, { cause });
    });
  const client: oauth.Client = { client_id: options.clientId, id_token_signed_response_alg: 'ES256' };
  const verifier = oauth.generateRandomCodeVerifier();
  const nonce = oauth.generateRandomNonce();
  const state = oauth.generateRandomState();
  const start = new URL(server.authorization_endpoint!);
  start.search = new URLSearchParams({
    client_id: options.clientId,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid profile email groups',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    login_hint: options.as,
    prompt: 'login',
    state,
    nonce,
  }).toString();
  const arrived = await followRedirects(start);
  try {
    const parameters = oauth.validateAuthResponse(server, client, arrived, state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      parameters,
      REDIRECT_URI,
      verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    return tokens.id_token!;
  } catch (cause) {
    throw new InvalidRequest(`\`${options.as}\` could not be signed in; use one of the provider's people`, { cause });
  }
}

/** Goes where the provider sends, with its cookies, until it sends back to us. */
async function followRedirects(start: URL): Promise<URL> {
  const cookies = new Map<string, string>();
  let next = start;
  for (let hops = 0; hops < MAX_REDIRECTS; hops++) {
    const response = await fetch(next, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const equals = pair.indexOf('=');
      cookies.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
    const location = response.headers.get('location');
    if (location === null) throw new InvalidRequest('the identity provider did not sign the person in');
    next = new URL(location, next);
    if (next.href.startsWith(REDIRECT_URI)) return next;
    if (next.origin !== start.origin) throw new InvalidRequest('the identity provider redirected to another place');
  }
  throw new InvalidRequest('the identity provider redirected too often');
}
