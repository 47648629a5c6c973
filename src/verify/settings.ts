import type { JSONWebKeySet } from 'jose';
import { MAX_HOPS } from '../core/task.ts';
import type { Revocations } from './follow-revocations.ts';
import type { Introspection } from './token-status.ts';

export type VerifierOptions = {
  /** Remit's public URL, exactly as it is in `iss`: without a trailing slash. */
  issuer: string;
  /** This resource, exactly as it is in `aud`. A token for anything else, or for this and more, is refused. */
  audience: string;
  /** Where the keys are, or the keys themselves; `<issuer>/jwks`. Followed as they rotate. */
  jwks?: string | JSONWebKeySet;
  /** Asks Remit about each token, so that one which was revoked is refused before it expires. Without: its life is minutes. */
  introspection?: Introspection;
  /**
   * What is revoked, followed as it happens (`followRevocations`): no question for each token, and no revoked one taken for
   * longer than the feed may be silent.
   */
  revocations?: Revocations;
  /** Accepted difference between clocks, seconds; 30, at most 59. */
  skewSeconds?: number;
  /** Longest accepted life of a token, seconds; 600. */
  maxLifetimeSeconds?: number;
  /** Longest accepted chain of actors; 17, the longest that Remit issues. */
  maxActors?: number;
  /** Signature algorithms of tokens; ES256. */
  algorithms?: readonly string[];
  /** URL of this resource's metadata (RFC 9728), for challenges. */
  resourceMetadata?: string;
  /** Most proofs that are remembered, so that none is used twice; 100,000. Full, it refuses. */
  maxProofs?: number;
  /** Milliseconds since the epoch; `Date.now`. */
  clock?: () => number;
};

export type Settings = Required<Omit<VerifierOptions, 'introspection' | 'revocations' | 'resourceMetadata'>> &
  Pick<VerifierOptions, 'introspection' | 'revocations' | 'resourceMetadata'>;

/** @throws TypeError for options that would check nothing, or less than is thought. */
export function settle(options: VerifierOptions): Settings {
  const settings: Settings = {
    issuer: options.issuer,
    audience: options.audience,
    jwks: options.jwks ?? `${options.issuer}/jwks`,
    skewSeconds: options.skewSeconds ?? 30,
    maxLifetimeSeconds: options.maxLifetimeSeconds ?? 600,
    maxActors: options.maxActors ?? MAX_HOPS + 1,
    algorithms: options.algorithms ?? ['ES256'],
    maxProofs: options.maxProofs ?? 100_000,
    clock: options.clock ?? Date.now,
    introspection: options.introspection,
    revocations: options.revocations,
    resourceMetadata: options.resourceMetadata,
  };
  const { issuer, audience, jwks, introspection } = settings;
  must(isSecure(issuer) && !issuer.endsWith('/'), '`issuer` is not an https URL without a slash at its end');
  must(typeof audience === 'string' && audience !== '', '`audience` is missing; it names this resource');
  must(typeof jwks === 'string' ? isSecure(jwks) : Array.isArray(jwks.keys), '`jwks` is not an https URL or a key set');
  must(isBetween(settings.skewSeconds, 0, 59), '`skewSeconds` is not from 0 to 59');
  must(isBetween(settings.maxLifetimeSeconds, 1, 86_400), '`maxLifetimeSeconds` is not from 1 to 86400');
  must(isBetween(settings.maxActors, 1, 100), '`maxActors` is not from 1 to 100');
  must(isBetween(settings.maxProofs, 1, 10_000_000), '`maxProofs` is not from 1 to 10000000');
  must(isBetween(introspection?.rememberSeconds ?? 0, 0, 60), '`introspection.rememberSeconds` is not from 0 to 60');
  must(isBetween(introspection?.timeoutMs ?? 1, 1, 60_000), '`introspection.timeoutMs` is not from 1 to 60000');
  must(
    settings.algorithms.length > 0 && settings.algorithms.every((name) => /^(ES|RS|PS|Ed)/.test(name)),
    '`algorithms` holds what is not a signature by a private key',
  );
  return settings;
}

/** A key that signs at once is seen so soon, and made-up ones make no flood; one that leaked is believed for so long. */
export const FOLLOW = { refetchAfterMs: 5_000, freshMs: 60_000, usableMs: 10 * 60_000 };

function must(holds: boolean, problem: string): void {
  if (!holds) throw new TypeError(`createVerifier: ${problem}`);
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isFinite(value) && value >= least && value <= most;
}

/** https, or plain http on a loopback address. */
export function isSecure(url: unknown): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname));
}
