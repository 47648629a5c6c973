/** Requests to a target's own authorisation server: bounded in time and size, and never redirected. */
import {
  allowInsecureRequests,
  customFetch,
  genericTokenEndpointRequest,
  revocationRequest,
  type AuthorizationServer,
} from 'oauth4webapi';
import { z } from 'zod';
import type { TokenRequest } from '../../config/credential.ts';
import { CredentialUnavailable } from '../../core/errors.ts';
import { readBoundedJson } from '../../identity/bounded-json.ts';
import { NOT_TO_BE_HAD, type Secrets } from '../secrets.ts';
import { clientAuth } from './client-auth.ts';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 64 * 1024;
/** What a server that states no lifetime is believed to have meant (RFC 6749, section 5.1). */
const UNSTATED_LIFETIME_SECONDS = 300;
const LONGEST_LIFETIME_SECONDS = 30 * 24 * 3600;
const NOTHING = new Blob([]).stream();

/** What a token endpoint has issued (RFC 6749, section 5.1). */
export type IssuedToken = {
  accessToken: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  refreshToken: string | null;
  /** Other tasks of the delegator use it too: it does not end with one of them. */
  shared?: true;
};

export type TokenEndpointParts = { secrets: Secrets; clock: () => number };

const answerForm = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{6,}$/),
  token_type: z.string(),
  expires_in: z.coerce.number().min(0).optional(),
  refresh_token: z.string().min(1).optional(),
});

/** RFC 6749, section 5.2: the characters of an error code; what a server says besides may quote what it was sent. */
const errorForm = z.object({ error: z.string().regex(/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/) });

/**
 * Asks the token endpoint.
 *
 * @param parameters beside `scope` and `resource`, which the configuration gives.
 * @throws CredentialUnavailable; its detail holds nothing of the request.
 */
export async function requestToken(
  request: TokenRequest,
  grantType: string,
  parameters: Record<string, string>,
  { secrets, clock }: TokenEndpointParts,
): Promise<IssuedToken> {
  const { tokenUrl, client, scope, resource } = request;
  const answer = await asked(tokenUrl, async () => {
    const auth = await clientAuth(client, secrets);
    const all = {
      ...parameters,
      ...(scope === null ? {} : { scope }),
      ...(resource === null ? {} : { resource }),
    };
    return genericTokenEndpointRequest(serverOf(request), { client_id: client.id }, auth, grantType, all, options());
  });
  const now = clock();
  const { data } = answerForm.safeParse(answer);
  if (data === undefined) throw unavailable(tokenUrl, 'it answered with no access token of RFC 6750');
  if (data.token_type.toLowerCase() !== 'bearer')
    throw unavailable(tokenUrl, 'its token is of another type than Bearer');
  const lifetime = Math.min(data.expires_in ?? UNSTATED_LIFETIME_SECONDS, LONGEST_LIFETIME_SECONDS);
  return {
    accessToken: data.access_token,
    expiresAt: now + lifetime * 1000,
    refreshToken: data.refresh_token ?? null,
  };
}

/** RFC 7009. A token that the server does not know any more is as good as revoked. @throws CredentialUnavailable */
export async function revokeToken(
  request: TokenRequest & { revocationUrl: string },
  token: string,
  { secrets }: Pick<TokenEndpointParts, 'secrets'>,
): Promise<void> {
  await asked(request.revocationUrl, async () => {
    const auth = await clientAuth(request.client, secrets);
    return revocationRequest(serverOf(request), { client_id: request.client.id }, auth, token, options());
  });
}

/** What is known of the server: it is named by the configuration, and nothing is looked up. */
function serverOf({ tokenUrl, revocationUrl }: TokenRequest): AuthorizationServer {
  return {
    issuer: new URL(tokenUrl).origin,
    token_endpoint: tokenUrl,
    ...(revocationUrl === null ? {} : { revocation_endpoint: revocationUrl }),
  };
}

function options() {
  return {
    // The configuration takes plain http on a loopback address alone.
    [allowInsecureRequests]: true,
    [customFetch]: (url: string, init: RequestInit) =>
      fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) }),
  };
}

/** The JSON of a 200, or nothing of an empty one. */
async function asked(url: string, send: () => Promise<Response>): Promise<unknown> {
  let response: Response;
  let body: unknown = null;
  try {
    response = await send();
    const empty = response.body === null || response.headers.get('content-length') === '0';
    if (response.ok && empty) return null;
    body = await readBoundedJson(response.body ?? NOTHING, MAX_ANSWER).catch((error: unknown) => {
      if (error instanceof SyntaxError) return null;
      throw error;
    });
  } catch (error) {
    if (error instanceof CredentialUnavailable) throw error;
    // INVARIANT 14: causes may quote the request, so they go no further.
    throw unavailable(url, error instanceof DOMException && error.name === 'TimeoutError' ? TOO_LATE : UNREACHED);
  }
  if (response.status === 200) return body;
  const { data } = errorForm.safeParse(body);
  throw unavailable(url, `it answered with status ${response.status}${data === undefined ? '' : `, ${data.error}`}`);
}

const TOO_LATE = `it did not answer within ${TIMEOUT_MS / 1000} s`;
const UNREACHED = 'it cannot be reached, or broke its answer off';

export function unavailable(url: string, why: string): CredentialUnavailable {
  return new CredentialUnavailable(NOT_TO_BE_HAD, { detail: `authorisation server \`${url}\`: ${why}` });
}
