import type { Answer, Approval } from '../../core/approval.ts';
import type { GivenApproval } from '../../core/decision.ts';
import type { Delegator } from '../../core/party.ts';
import type { StandingAnswer } from '../../core/standing-answer.ts';
import type { Records } from './records.ts';

export interface ApprovalStore {
  /**
   * Makes the request, or returns the one for the same digest that already waits, was approved and not spent, or was
   * refused: that stands until the request would have expired, so that nobody is asked the same again and again. For a
   * task that has ended it is kept as `closed`. Where `maxWaiting` wait already for the same task, or for the same person
   * without one, it comes back as `closed` and is not kept. The records are, in any case.
   */
  requestApproval(approval: Approval, records: (kept: Approval) => Records, maxWaiting?: number): Promise<Approval>;
  /**
   * `answered`: with this answer it is approved or refused. `counted`: it is a yes, and more people have to say one.
   * `already_counted`: this person, be it through another account, has said yes before. A no ends what waits, also after
   * one's own yes. With the yes that approves it, `standing` begins to stand.
   */
  answerApproval(
    answer: Answer & { id: string },
    records: Records,
    standing?: StandingAnswer,
  ): Promise<'answered' | 'counted' | 'already_counted' | 'already_answered' | 'expired' | 'task_ended' | 'unknown'>;
  /** An approved, unspent, unexpired approval of this task (`null`: of none) for exactly this digest. From memory. */
  givenApproval(task: string | null, digest: string, now: number): GivenApproval | undefined;
  /** Whether somebody has said no to exactly this, and the request would not have expired yet. */
  isRefused(task: string | null, digest: string, now: number): boolean;
  approval(id: string): Approval | undefined;
  approvalState(id: string): Pick<Approval, 'task' | 'state'> | undefined;
  /** The newest first: at most `limit` of those that are `matching`, among the newest `among`. */
  approvals(filter: {
    state?: Approval['state'];
    task?: string;
    limit: number;
    among?: number;
    matching?: (approval: Approval) => boolean;
  }): Approval[];
  /** How requests of this agent for this operation were answered since then; `last`, the latest first. */
  answersAlike(
    request: Pick<Approval['card'], 'target' | 'operation'> & { agent: string | null; since: number },
    limit: number,
  ): { approved: number; refused: number; last: Answer[] };
  /** How many answers this person has given since then. */
  answersBy(person: Pick<Delegator, 'issuer' | 'subject'>, since: number): number;
}

/** Answers that were given beforehand. They end with their task, as approvals do. */
export interface StandingStore {
  /** Those of this task that can still be used. From memory. */
  standingFor(task: string): StandingAnswer[];
  standingAnswer(id: string): StandingAnswer | undefined;
  /** The newest first: at most `limit` of those that are `matching`, among the newest `among`. */
  standingAnswers(filter: {
    limit: number;
    among: number;
    matching: (standing: StandingAnswer) => boolean;
  }): StandingAnswer[];
  revokeStandingAnswer(id: string, records: Records): Promise<'revoked' | 'over' | 'unknown'>;
}

/** What webhooks are told of approvals, at least once each. */
export interface WebhookStore {
  /**
   * What has still to be told: approvals that wait and were not taken yet, and the end of those that were. A failed attempt
   * is due again at its `nextAt`. The oldest first, at most `limit`.
   */
  dueDeliveries(endpoint: string, now: number, limit: number): Delivery[];
  /** Keeps what came of an attempt. */
  settleDelivery(delivery: SettledDelivery): Promise<void>;
}

export type Delivery = { approval: string; event: 'approval.requested' | 'approval.resolved'; attempts: number };

/** `skipped`: it is not for this endpoint. `nextAt` in ms since the epoch. */
export type SettledDelivery = Delivery & {
  endpoint: string;
  state: 'delivered' | 'retry' | 'given_up' | 'skipped';
  nextAt: number;
  problem: string | null;
};
