import { spawn } from 'node:child_process';
import * as oidc from 'openid-client';
import { printable } from '../../audit/record-text.ts';
import { InvalidRequest, InvalidToken } from '../../core/errors.ts';
import { openLoopback } from './loopback.ts';
import { signInError, type Provider } from './provider.ts';

/** What a sign-in gives: the ID token for Remit, and what to renew it with where the provider gives that. */
export type SignedIn = { idToken: string; claims: oidc.IDToken; refreshToken?: string };

const FOR_A_PERSON_MS = 5 * 60_000;

type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

export function signedIn(tokens: Tokens): SignedIn {
  const claims = tokens.claims();
  if (tokens.id_token === undefined || claims === undefined) throw new InvalidToken('the provider gave no ID token');
  return {
    idToken: tokens.id_token,
    claims,
    ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
  };
}

/** What Remit will check is asked for, so that the provider asks the person for it. */
function requestOf({ scopes, acr_values: acr, max_age: maxAge }: Provider): Record<string, string> {
  return {
    scope: scopes.join(' '),
    ...(acr === undefined ? {} : { acr_values: acr.join(' ') }),
    ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    // OpenID Connect Core, section 11: without it a refresh token may be withheld.
    ...(scopes.includes('offline_access') ? { prompt: 'consent' } : {}),
  };
}

/**
 * Authorization code with PKCE, `state`, `nonce` and the check of `iss` (RFC 7636, 9207), in a browser that comes back to
 * a loopback address (RFC 8252).
 *
 * @throws InvalidToken
 */
export async function signInByCode(
  config: oidc.Configuration,
  provider: Provider,
  ui: { say: (line: string) => void; open: boolean; timeoutMs?: number },
): Promise<SignedIn> {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
  const loopback = await openLoopback();
  let outcome = 'You are not signed in. Close this window and look at the terminal.';
  try {
    const url = oidc.buildAuthorizationUrl(config, {
      ...requestOf(provider),
      response_type: 'code',
      redirect_uri: loopback.redirectUri,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    ui.say('sign in in a browser on this machine:');
    ui.say(`  ${url.href}`);
    if (ui.open) openBrowser(url);
    const arrived = await loopback.arrival(state, ui.timeoutMs ?? FOR_A_PERSON_MS);
    const tokens = await oidc
      .authorizationCodeGrant(config, arrived, {
        pkceCodeVerifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
        ...(provider.max_age === undefined ? {} : { maxAge: provider.max_age }),
      })
      .catch((cause: unknown) => {
        throw signInError(provider.issuer, cause);
      });
    outcome = 'You are signed in. Close this window.';
    return signedIn(tokens);
  } finally {
    await loopback.finish(outcome);
  }
}

/** Device authorization (RFC 8628): for a terminal without a browser beside it. @throws InvalidRequest, InvalidToken */
export async function signInByDevice(
  config: oidc.Configuration,
  provider: Provider,
  ui: { say: (line: string) => void; timeoutMs?: number },
): Promise<SignedIn> {
  if (config.serverMetadata().device_authorization_endpoint === undefined) {
    throw new InvalidRequest(`\`${provider.issuer}\` has no device authorization; sign in without --device`);
  }
  try {
    const asked = await oidc.initiateDeviceAuthorization(config, requestOf(provider));
    ui.say(`sign in at  ${printable(asked.verification_uri)}`);
    ui.say(`  with code ${printable(asked.user_code)}, only if you started this yourself`);
    const signal = AbortSignal.timeout(Math.min(ui.timeoutMs ?? FOR_A_PERSON_MS, asked.expires_in * 1000));
    return signedIn(await oidc.pollDeviceAuthorizationGrant(config, asked, undefined, { signal }));
  } catch (cause) {
    throw signInError(provider.issuer, cause);
  }
}

export function openBrowser(url: URL): void {
  const [program, ...args] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open'];
  // The URL has been printed; who has no browser uses that.
  spawn(program!, [...args, url.href], { stdio: 'ignore', detached: true })
    .once('error', () => {})
    .unref();
}
