import { obtainIdToken } from '../../src/cli/login.ts';
import { openPersonSession } from '../../src/cli/person-session.ts';
import type { RemitProcess } from './remit-process.ts';

/** A person at the API of a running Remit, in the process of the test: the command line without its start-up. */
export type Person = {
  call<Answer = Record<string, unknown>>(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Answer }>;
};

export async function signIn(remit: Pick<RemitProcess, 'url'>, as: string): Promise<Person> {
  const session = await openPersonSession({
    remitUrl: remit.url,
    idToken: () => obtainIdToken({ issuer: `${remit.url}/dev/idp`, clientId: 'remit', as }),
  });
  return {
    call: async <Answer>(method: 'GET' | 'POST', path: string, body?: unknown) => {
      const response = await session.fetch(`${remit.url}/v1${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      return { status: response.status, body: (await response.json().catch(() => ({}))) as Answer };
    },
  };
}
