import type { DpopVerifier } from '../identity/dpop.ts';
import type { KeySet } from '../identity/key-set.ts';
import type { VerifiedTokens } from '../token/verified-tokens.ts';
import type { TokenClaims } from './read-claims.ts';
import type { Refused } from './result.ts';
import type { Settings } from './settings.ts';
import type { TokenStatuses } from './token-status.ts';

/** What a request shows. */
export type PresentedRequest = {
  method: string;
  /** The URL that the caller means: by the name that this resource is known by, and not what `Host` says. */
  url: string;
  /** Names in lower case, as Node gives them. */
  headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The client certificate of the connection in DER, where TLS has asked for one. Never from a header of a stranger. */
  certificate?: Uint8Array | undefined;
};

/** A request on its way. Each check fills in its part. */
export type Presented = {
  readonly request: PresentedRequest;
  scheme: 'dpop' | 'bearer';
  token: string;
  claims: TokenClaims;
};

export type CheckParts = {
  settings: Settings;
  keys: KeySet;
  verified: VerifiedTokens<TokenClaims>;
  dpop: DpopVerifier;
  /** `null` when nobody is asked. */
  statuses: TokenStatuses | null;
};

/** One check: why the request is refused, or `null`. */
export type Check = (presented: Presented, parts: CheckParts) => Refused | null | Promise<Refused | null>;

/** Several lines of a header are joined as they would be on the wire, and so are no good token or proof. */
export function headerOf({ headers }: PresentedRequest, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value.join(', ');
}
