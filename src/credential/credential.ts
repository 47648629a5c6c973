/**
 * What a target takes as its own credential, and how a request comes to carry it. INVARIANT 7: an agent never sees it,
 * neither on the way out nor in an answer.
 */
import type { CredentialConfig } from '../config/credential.ts';
import type { Agent, Delegator } from '../core/party.ts';

export type CredentialKind = CredentialConfig['kind'];

/** A request to a target as it would leave without a credential. */
export type Outgoing = {
  /** Upper case. */
  method: string;
  /** Absolute, byte for byte as it is sent. */
  url: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the whole body, lower-case hex; `null` when the body is not known before it is sent. */
  bodyDigest: string | null;
};

/** What one use of a credential is bound to. */
export type CredentialUse = {
  /** `null` when Remit itself looks at the target: then there is no delegator either. */
  task: string | null;
  agent: Agent | null;
  delegator: Delegator | null;
  target: string;
  /**
   * Name of the policy set that permitted the request; `null` when nothing had to, since Remit itself acts: it looks at the
   * target, or cleans up after the task, which may have ended.
   */
  policySet: string | null;
  /** Aborts what has to be asked of somebody else first. */
  signal: AbortSignal;
};

/** What the request has to carry besides. */
export type Injection = {
  /** Names in lower case. Set last: they take the place of headers by the same name, in whatever case. */
  headers: Readonly<Record<string, string>>;
  /** `name=value`, encoded, to go behind the query; `null` for none. See `injectedUrl`. */
  query: string | null;
  /** The client certificate of the connection. */
  tls: ClientCertificate | null;
  /** What must not come back in an answer to this request: see `createStripper`. */
  secrets: readonly string[];
  /** For the record of the action. */
  named: NamedCredential;
};

export type ClientCertificate = {
  /** Changes when the certificate does: connections are shared only between requests with the same. */
  id: string;
  /** Chain and key as PEM texts. */
  cert: string;
  key: string;
};

/** Which credential was used, never its value. */
export type NamedCredential = {
  kind: CredentialKind;
  /** Where it is kept: `store:billing`, `env:BILLING_TOKEN`, …; of a pair, the secret one. */
  source: string;
  /** Of a kept secret, where its place counts versions. */
  version: string | null;
};

/** The credential of one target. */
export interface Credential {
  readonly kind: CredentialKind;
  /** Whether `bodyDigest` is needed: such a request cannot be streamed. */
  readonly signsBody: boolean;
  /**
   * Right before the request leaves, when the permit is durable. Nothing has been sent to the target when it rejects.
   *
   * @throws CredentialUnavailable when there is none to be had, ConsentRequired when the delegator has to give it first.
   */
  inject(outgoing: Outgoing, use: CredentialUse): Promise<Injection>;
  /** The target refused it (401): it is not used again if another one can be had. Never throws. */
  refused(injection: Injection): void;
}

/** The address with what the credential adds to it. */
export function injectedUrl(url: string, { query }: Pick<Injection, 'query'>): string {
  if (query === null) return url;
  const hash = url.indexOf('#');
  const base = hash === -1 ? url : url.slice(0, hash);
  if (!base.includes('?')) return `${base}?${query}`;
  return /[?&]$/.test(base) ? base + query : `${base}&${query}`;
}

/** The headers with what the credential sets. */
export function injectedHeaders(
  headers: Readonly<Record<string, string>>,
  { headers: set }: Pick<Injection, 'headers'>,
): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !Object.hasOwn(set, name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...set };
}
