import { obtainIdToken } from './login.ts';
import { openPersonSession, type PersonSession } from './person-session.ts';
import { LoginStore } from './sign-in/login-store.ts';
import { storedIdToken } from './sign-in/stored-login.ts';

export type SignIn = {
  remitUrl: string;
  /** A person of the development provider. */
  as?: string;
  issuer?: string;
  env: Record<string, string | undefined>;
};

/** The session of the person who runs the command: as told, by the ID token that was brought, or as signed in. */
export function signedIn({ remitUrl, as, issuer, env }: SignIn): Promise<PersonSession> {
  return openPersonSession({
    remitUrl,
    idToken: () => {
      const brought = env['REMIT_ID_TOKEN'];
      if (as !== undefined) return obtainIdToken({ issuer: `${remitUrl}/dev/idp`, clientId: 'remit', as });
      if (brought !== undefined && brought !== '') return Promise.resolve(brought);
      return storedIdToken(new LoginStore(env), remitUrl, issuer);
    },
  });
}
