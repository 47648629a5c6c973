import { parseArgs } from 'node:util';
import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { printable } from '../../audit/record-text.ts';
import { UsageError, type Command, type Io } from '../io.ts';
import { openPersonSession } from '../person-session.ts';
import { signInByCode, signInByDevice } from './flows.ts';
import { LoginStore, type Login } from './login-store.ts';
import { findProvider, openProvider } from './provider.ts';
import { chooseLogin, loginOf } from './stored-login.ts';

export const LOGIN_USAGE = `remit login [--device] [--open] [--acr VALUES] [--max-age SECONDS]   sign in at the identity provider, for the commands
                                                  that follow; more strongly or anew, where an answer needs it
remit logout                                      forget the sign-in, and revoke it at the provider
remit whoami                                      who is signed in, as the provider says
  All take --issuer URL where people come from more than one provider.`;

export const login: Command = async (args, io) => {
  const { values } = parseArgs({
    args,
    options: {
      device: { type: 'boolean' },
      open: { type: 'boolean' },
      acr: { type: 'string' },
      'max-age': { type: 'string' },
    },
  });
  if (values.device === true && values.open === true) throw new UsageError(LOGIN_USAGE);
  const provider = { ...(await findProvider(io.remitUrl, io.issuer)), ...stepUp(values) };
  const config = await openProvider(provider);
  io.err(`signing in to ${io.remitUrl} at ${provider.issuer}`);
  const ui = { say: io.err, open: values.open === true };
  const result = await (values.device === true ? signInByDevice : signInByCode)(config, provider, ui);
  // A sign-in that Remit does not take is told of here, and not at the first command.
  await openPersonSession({ remitUrl: io.remitUrl, idToken: async () => result.idToken }).then(({ token }) => token());
  const kept = loginOf(io.remitUrl, provider, result);
  new LoginStore(io.env).save(kept);
  show(kept, io);
  return 0;
};

/** What Remit says is lacking, when an approval needs a stronger sign-in than the provider asks for by itself. */
function stepUp({ acr, 'max-age': maxAge }: { acr?: string | undefined; 'max-age'?: string | undefined }) {
  if (maxAge !== undefined && !/^[1-9]\d{0,8}$/.test(maxAge))
    throw new UsageError('`--max-age` needs a number of seconds');
  return {
    ...(acr === undefined ? {} : { acr_values: acr.split(/\s+/).filter((value) => value !== '') }),
    ...(maxAge === undefined ? {} : { max_age: Number(maxAge) }),
  };
}

export const whoami: Command = async (args, io) => {
  if (args.length > 0) throw new UsageError(LOGIN_USAGE);
  show(chooseLogin(new LoginStore(io.env), io.remitUrl, io.issuer), io);
  return 0;
};

export const logout: Command = async (args, io) => {
  if (args.length > 0) throw new UsageError(LOGIN_USAGE);
  const store = new LoginStore(io.env);
  const ending = chooseLogin(store, io.remitUrl, io.issuer);
  // First of all here: what cannot be revoked is at least forgotten.
  store.remove(ending);
  const revoked = await revoke(ending).catch(() => {
    io.err(`\`${ending.issuer}\` was not told; it may keep the session until it ends by itself`);
    return false;
  });
  if (io.json) io.out(JSON.stringify({ issuer: ending.issuer, subject: ending.subject, revoked }));
  else io.out(`signed out ${printable(ending.subject)}${revoked ? ', and revoked at the provider' : ''}`);
  return 0;
};

/** RFC 7009, where there is something to revoke and a place to do it. */
async function revoke(ending: Login): Promise<boolean> {
  if (ending.refresh_token === undefined) return false;
  const config = await openProvider(ending);
  if (config.serverMetadata().revocation_endpoint === undefined) return false;
  await oidc.tokenRevocation(config, ending.refresh_token, { token_type_hint: 'refresh_token' });
  return true;
}

function show(kept: Login, io: Io): void {
  const { name, acr } = decodeJwt<{ name?: unknown; acr?: unknown }>(kept.id_token);
  const until = new Date(kept.expires_at * 1000).toISOString();
  const renewable = kept.refresh_token !== undefined;
  if (io.json) {
    io.out(JSON.stringify({ issuer: kept.issuer, subject: kept.subject, name, acr, expires_at: until, renewable }));
    return;
  }
  const called = typeof name === 'string' ? ` (${name})` : '';
  io.out(
    printable(`${kept.subject}${called} of ${kept.issuer}, until ${until}${renewable ? ', renewed as needed' : ''}`),
  );
}
