/** RFC 6749, section 6: one refresh token for a target, which the server may replace with each use. */
import { createHash } from 'node:crypto';
import type { CredentialConfig } from '../../config/credential.ts';
import { openValue, putValue, type SealedParts } from '../sealed-value.ts';
import { CredentialUnavailable } from '../../core/errors.ts';
import { NOT_TO_BE_HAD } from '../secrets.ts';
import { requestToken, type IssuedToken, type TokenEndpointParts } from './token-endpoint.ts';

const KIND = 'refresh_token';

type Kept = {
  /** SHA-256 of the token that the configuration gave when this one's line began. */
  from: string;
  token: string;
};

export type RefreshParts = TokenEndpointParts & SealedParts;

/** Gives access tokens, one after the other: a refresh token that is shown twice looks stolen (RFC 9700, section 4.14.2). */
export function createRefreshing(
  config: Extract<CredentialConfig, { kind: 'refresh_token' }>,
  target: string,
  parts: RefreshParts,
): () => Promise<IssuedToken> {
  let last: Promise<unknown> = Promise.resolve();

  async function refresh(): Promise<IssuedToken> {
    const { value: first } = await parts.secrets.read(config.refreshToken, new AbortController().signal);
    const from = createHash('sha256').update(first).digest('base64url');
    const kept = await read();
    // Another one in the configuration begins another line: somebody has replaced it.
    const token = kept?.from === from ? kept.token : first;
    const issued = await requestToken(config, 'refresh_token', { refresh_token: token }, parts);
    const next = issued.refreshToken;
    // Kept before the access token is used. A crash before this loses the line: a new token has to be configured.
    if (next !== null && next !== token) await keep({ from, token: next });
    return { ...issued, refreshToken: null };
  }

  async function read(): Promise<Kept | null> {
    const sealed = parts.store.sealedValue(KIND, target);
    return sealed === undefined ? null : (JSON.parse(openValue(sealed, parts.keys)) as Kept);
  }

  async function keep(value: Kept): Promise<void> {
    const what = { kind: KIND, name: target, task: null, expiresAt: null, at: parts.clock() } as const;
    const version = parts.store.sealedVersion(KIND, target) + 1;
    if ((await putValue({ ...what, version, value: JSON.stringify(value) }, [], parts)) === 'put') return;
    throw new CredentialUnavailable(NOT_TO_BE_HAD, { detail: `refresh token of \`${target}\`: it was kept twice` });
  }

  return () => {
    const next = last.then(refresh, refresh);
    last = next.catch(() => {});
    return next;
  };
}
