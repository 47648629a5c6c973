import type { Revocation } from '../../core/revocation.ts';
import type { Suspension } from '../../core/suspension.ts';
import type { Records } from './records.ts';

/**
 * The revocation feed. Its entries are drawn from the records (`drawRevocation`) in the transaction that appends them, in
 * their order, numbered without a gap: who has seen an entry has seen all before it that are kept.
 */
export interface RevocationStore {
  /** Numbers of the oldest entry that is kept and of the newest; 1 and 0 when there never was one. */
  feedRange(): { oldest: number; newest: number };
  /** Entries after `after`, oldest first; `gone` when the next one is kept no more, or there never was one of this number. */
  revocations(after: number, limit: number): Revocation[] | 'gone';
  /** Forgets entries up to the first that is not older than this, and never the newest. Resolves with how many. */
  pruneRevocations(before: number): Promise<number>;
  /** What is revoked as of the entry `position`: tasks that ended since `endedSince`, and whatever is revoked at `now`. */
  revokedNow(at: { now: number; endedSince: number }): Revoked;
}

export type Revoked = {
  position: number;
  tasks: string[];
  /** `jti`s. */
  tokens: string[];
  /** Ids of registrations that are not active: SPIFFE IDs, and patterns of them. */
  agents: string[];
  suspended: Pick<Suspension, 'kind' | 'id'>[];
};

/** Access tokens that were given up or taken back before they expired. */
export interface RevokedTokenStore {
  /**
   * From when this resolves on, the token is revoked, and stays so until `keepUntil`; then it may be forgotten. Of two who
   * revoke one token, one is told `revoked`, and its records alone are kept. `at` and `keepUntil` in ms since the epoch.
   */
  revokeToken(
    revoked: { id: string; at: number; keepUntil: number },
    records: Records,
  ): Promise<'revoked' | 'already_revoked'>;
  isTokenRevoked(id: string): boolean;
  /** Ids of the tokens that were issued under the task and somebody could still take at `now`. */
  tokensOf(task: string, now: number): string[];
  /** Revokes all of them, and keeps that for `keepMs` after each has expired. Resolves with their ids. */
  revokeTokensOf(task: string, at: number, keepMs: number): Promise<string[]>;
}
