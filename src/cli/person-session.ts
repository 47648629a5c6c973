import { DpopKey, requestToken, sendBound, TokenCache, type BoundFetch, type SignPrompt } from './bound-tokens.ts';

export type PersonSession = { fetch: BoundFetch; signPrompt: SignPrompt; token: () => Promise<string> };

/** A person's access to Remit's API: their ID token, exchanged once for a token bound to a key of this process. */
export async function openPersonSession(options: {
  remitUrl: string;
  idToken: () => Promise<string>;
}): Promise<PersonSession> {
  const key = await DpopKey.generate();
  const resource = `${options.remitUrl}/v1`;
  const tokens = new TokenCache(async () =>
    requestToken(
      options.remitUrl,
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: await options.idToken(),
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        resource,
      },
      key,
    ),
  );
  return {
    token: () => tokens.get(resource),
    signPrompt: (prompt) => key.signPrompt(prompt),
    fetch: (url, init = {}) => sendBound({ url: String(url), init, resource }, { key, tokens }),
  };
}
