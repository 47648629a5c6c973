import type { Records } from './records.ts';

export interface PolicySetStore {
  /**
   * Keeps a policy set under its hash and puts it in force, with the records of why, if `replaces` is in force: of two
   * who replace the same set at once, one is told `other_in_force`. An old set comes back by being published again, but
   * never one that is distrusted. `approval` (of no task) is spent with it, or nothing is published.
   */
  publishPolicySet(
    published: PolicyInForce & { files: Record<string, string>; replaces: string | null },
    records: Records,
    approval?: string | null,
  ): Promise<'published' | 'other_in_force' | 'distrusted' | 'approval_spent'>;
  /** For good: a set is distrusted once, with the records of why, whether or not it is in force. */
  distrustPolicySet(distrusted: DistrustedPolicySet, records: Records): Promise<'distrusted' | 'already_distrusted'>;
  /** Oldest first. */
  distrustedPolicySets(): DistrustedPolicySet[];
  /** The files of a set that was ever in force. */
  policySet(hash: string): Record<string, string> | undefined;
  /** Sets that were put in force, newest first; the first is the one that is. At most `limit`. */
  policyHistory(limit: number): PolicyInForce[];
}

export type PolicyInForce = {
  hash: string;
  /** Hash of the set that the policy folder held when it was last looked at. */
  folder: string;
  /** Milliseconds since the epoch. */
  at: number;
};

/** A set whose policies were found to be evaluated otherwise than Cedar says. */
export type DistrustedPolicySet = {
  hash: string;
  /** Id of the record of the decision that showed it. */
  decision: string;
  /** Milliseconds since the epoch. */
  at: number;
};
