import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { InvalidGrant, InvalidRequest, RemitError, Unavailable } from '../core/errors.ts';

/** A `fetch` that proves who is calling. */
export type BoundFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** Signs with the key that the session's requests prove. */
export type SignPrompt = (prompt: { digest: string; channel: string }) => Promise<string>;

const PROMPT_TYPE = 'remit-prompt';

export type IssuedToken = { accessToken: string; expiresAt: number };

/** A key that never leaves the process, and DPoP proofs made with it (RFC 9449, section 4.2). */
export class DpopKey {
  readonly #privateKey: CryptoKey;
  readonly #publicJwk: JWK;
  readonly thumbprint: string;
  /** What the server asked for last (RFC 9449, section 8). */
  #nonce: string | undefined;

  private constructor(privateKey: CryptoKey, publicJwk: JWK, thumbprint: string) {
    this.#privateKey = privateKey;
    this.#publicJwk = publicJwk;
    this.thumbprint = thumbprint;
  }

  static async generate(): Promise<DpopKey> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const publicJwk = await exportJWK(publicKey);
    return new DpopKey(privateKey, publicJwk, await calculateJwkThumbprint(publicJwk));
  }

  proof(method: string, url: string, accessToken?: string): Promise<string> {
    const { origin, pathname } = new URL(url);
    return new SignJWT({
      jti: randomUUID(),
      htm: method,
      htu: `${origin}${pathname}`,
      iat: Math.floor(Date.now() / 1000),
      ...(accessToken === undefined
        ? {}
        : { ath: createHash('sha256').update(accessToken, 'ascii').digest('base64url') }),
      ...(this.#nonce === undefined ? {} : { nonce: this.#nonce }),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.#publicJwk })
      .sign(this.#privateKey);
  }

  /** A compact JWS over a prompt's digest and channel, as `origin.signature` of a task request. */
  signPrompt(prompt: { digest: string; channel: string }): Promise<string> {
    return new SignJWT({ ...prompt, iat: Math.floor(Date.now() / 1000) })
      .setProtectedHeader({ typ: PROMPT_TYPE, alg: 'ES256', jwk: this.#publicJwk })
      .sign(this.#privateKey);
  }

  /** Sends one request with the token and a fresh proof. */
  async send(url: string, init: RequestInit, accessToken: string): Promise<Response> {
    return this.withNonce(async () => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `DPoP ${accessToken}`);
      headers.set('dpop', await this.proof(init.method ?? 'GET', url, accessToken));
      return fetch(url, { ...init, headers });
    });
  }

  /** The nonce that the server wants from now on. */
  heard(nonce: string): void {
    this.#nonce = nonce;
  }

  /** Makes a request once more when the server wants its proof with a nonce; `request` is one whose body can be sent again. */
  async withNonce(request: () => Promise<Response>): Promise<Response> {
    const used = this.#nonce;
    const answer = await request();
    const nonce = answer.headers.get('dpop-nonce');
    if (nonce === null || nonce === used) return answer;
    this.#nonce = nonce;
    if (answer.status !== 400 && answer.status !== 401) return answer;
    await answer.body?.cancel();
    return request();
  }
}

/**
 * Asks the token endpoint for an access token bound to `key`.
 *
 * @throws InvalidGrant with the server's words when it refuses; Unavailable when it cannot be reached.
 */
export async function requestToken(remitUrl: string, form: Record<string, string>, key: DpopKey): Promise<IssuedToken> {
  const url = `${remitUrl}/token`;
  const ask = async () =>
    fetch(url, {
      method: 'POST',
      headers: { dpop: await key.proof('POST', url) },
      body: new URLSearchParams(form),
    });
  const response = await key.withNonce(ask).catch((cause: unknown) => {
    throw new Unavailable(`Remit cannot be reached at \`${remitUrl}\`; is it running?`, { cause });
  });
  const answer = (await response.json().catch(() => ({}))) as {
    error?: string;
    error_description?: string;
    access_token?: string;
    expires_in?: number;
  };
  if (!response.ok) {
    throw new InvalidGrant(`${answer.error ?? `status ${response.status}`}: ${answer.error_description ?? ''}`);
  }
  if (answer.access_token === undefined || answer.expires_in === undefined) {
    throw new InvalidGrant('the token endpoint answered without a token');
  }
  return { accessToken: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1000 };
}

/** A token is replaced this long before it expires, or at half of a life that is shorter than twice this. */
const RENEW_BEFORE_MS = 30_000;

/** Tokens by what they are for, obtained when they are first needed and again shortly before they expire. */
export class TokenCache {
  readonly #obtain: (resource: string) => Promise<IssuedToken>;
  readonly #tokens = new Map<string, { token: Promise<IssuedToken>; renewAt: number }>();

  constructor(obtain: (resource: string) => Promise<IssuedToken>) {
    this.#obtain = obtain;
  }

  forget(resource: string): void {
    this.#tokens.delete(resource);
  }

  async get(resource: string): Promise<string> {
    const known = this.#tokens.get(resource);
    if (known !== undefined && Date.now() < known.renewAt) return (await known.token).accessToken;
    const asked = { token: this.#obtain(resource), renewAt: Date.now() + RENEW_BEFORE_MS };
    this.#tokens.set(resource, asked);
    try {
      const { accessToken, expiresAt } = await asked.token;
      const life = expiresAt - Date.now();
      asked.renewAt = expiresAt - Math.min(RENEW_BEFORE_MS, life / 2);
      return accessToken;
    } catch (error) {
      this.#tokens.delete(resource);
      throw error;
    }
  }
}

/**
 * Sends a request with the token for `resource`. One that the server takes no longer, because it was revoked or the key
 * that signed it was taken out, is replaced, once; where there is none in its place, the first answer stands.
 */
export async function sendBound(
  request: { url: string; init: RequestInit; resource: string },
  { key, tokens }: { key: DpopKey; tokens: TokenCache },
): Promise<Response> {
  const { url, init, resource } = request;
  const used = await tokens.get(resource);
  const answer = await key.send(url, init, used);
  const refused = answer.headers.get('www-authenticate')?.includes('error="invalid_token"') === true;
  if (answer.status !== 401 || !refused) return answer;
  tokens.forget(resource);
  const next = await tokens.get(resource).catch(() => undefined);
  if (next === undefined) return answer;
  await answer.body?.cancel();
  return key.send(url, init, next);
}

/** A problem document (RFC 9457) as the error that it describes, for the command line to show. */
export async function failureOf(response: Response): Promise<RemitError> {
  const body = (await response.json().catch(() => ({}))) as { detail?: string; title?: string };
  return new InvalidRequest(body.detail ?? body.title ?? `status ${response.status}`);
}
