import * as oidc from 'openid-client';
import { InvalidRequest, InvalidToken } from '../../core/errors.ts';
import { signedIn, type SignedIn } from './flows.ts';
import type { Login, LoginStore } from './login-store.ts';
import { openProvider, signInError } from './provider.ts';

/** An ID token is renewed when it has less than this to live. */
const RENEW_BEFORE_S = 60;

/** The one stored sign-in for a Remit, or the one named. @throws InvalidToken when there is none, InvalidRequest when several. */
export function chooseLogin(store: LoginStore, server: string, issuer: string | undefined): Login {
  const logins = store.of(server).filter((login) => issuer === undefined || login.issuer === issuer);
  if (logins.length === 1) return logins[0]!;
  if (logins.length === 0) throw new InvalidToken(`you are not signed in at \`${server}\`; run \`remit login\``);
  const names = logins.map((login) => `\`${login.issuer}\``).join(', ');
  throw new InvalidRequest(`you are signed in more than once at \`${server}\`; choose with --issuer: ${names}`);
}

/** The ID token of a stored sign-in, renewed when it runs out. @throws InvalidToken when it cannot be. */
export async function storedIdToken(store: LoginStore, server: string, issuer: string | undefined): Promise<string> {
  const login = chooseLogin(store, server, issuer);
  if (!runsOut(login)) return login.id_token;
  return store.alone(login, async () => {
    // Another command may have renewed it while this one waited.
    const current = chooseLogin(store, server, login.issuer);
    if (!runsOut(current)) return current.id_token;
    const renewed = await renew(current);
    store.save(renewed);
    return renewed.id_token;
  });
}

export function loginOf(server: string, at: { issuer: string; client_id: string }, result: SignedIn): Login {
  return {
    version: 1,
    server,
    issuer: at.issuer,
    client_id: at.client_id,
    subject: result.claims.sub,
    id_token: result.idToken,
    expires_at: result.claims.exp,
    ...(result.refreshToken === undefined ? {} : { refresh_token: result.refreshToken }),
  };
}

function runsOut({ expires_at: expiresAt }: Login): boolean {
  return expiresAt - RENEW_BEFORE_S < Date.now() / 1000;
}

async function renew(login: Login): Promise<Login> {
  const expired = `the sign-in at \`${login.issuer}\` has ended; run \`remit login\``;
  if (login.refresh_token === undefined) throw new InvalidToken(expired);
  const config = await openProvider(login);
  const tokens = await oidc.refreshTokenGrant(config, login.refresh_token).catch((cause: unknown) => {
    throw cause instanceof oidc.ResponseBodyError && cause.error === 'invalid_grant'
      ? new InvalidToken(expired, { cause })
      : signInError(login.issuer, cause);
  });
  const result = signedIn(tokens);
  // OpenID Connect Core, section 12.2: the same person, or nobody.
  if (result.claims.sub !== login.subject) throw new InvalidToken('the provider renewed the sign-in of somebody else');
  return { ...loginOf(login.server, login, result), refresh_token: result.refreshToken ?? login.refresh_token };
}
