/**
 * What the rest of Remit asks of a database. Verbs, not tables: each says who won, and each either happens as a whole,
 * durably, with its records in the log, or not at all.
 *
 * Durability: when a returned promise resolves, the change and its records survive `kill -9` and power loss.
 * Isolation: verbs are serialisable; two callers of one verb see each other's effect.
 * Ordering: records enter the log in the order in which their verbs took effect.
 * Failure: a rejected promise (`Unavailable`) means that the change may or may not have happened; nothing may be
 * permitted on the strength of it.
 * Identifiers are compared byte for byte.
 */
import type { AgentState, RegisteredAgent } from '../core/agent.ts';
import type { Answer, Approval } from '../core/approval.ts';
import type { Draw } from '../core/budget.ts';
import type { Closing, EndCause } from '../core/closing.ts';
import type { Effect } from '../core/effect.ts';
import type { Lease } from '../core/lease.ts';
import type { Delegator } from '../core/party.ts';
import type { LogRecord } from '../core/record.ts';
import type { Revocation } from '../core/revocation.ts';
import type { GivenApproval, TaskView } from '../core/decision.ts';
import type { StandingAnswer } from '../core/standing-answer.ts';
import type { FindSuspension, Suspension } from '../core/suspension.ts';
import type { EndedState, IdentityAssertion, Task } from '../core/task.ts';
import type { LeaseStore } from './lease-port.ts';

export type Records = readonly LogRecord[];

export type Admission =
  | { admitted: true }
  /** The task, or a task above it, had ended, a budget was used up, the approval already spent, the target suspended, or a lease gone. */
  | { admitted: false; because: 'task_ended' | 'over_budget' | 'approval_spent' | 'suspended' | 'lease_ended' };

export type TaskEnd = {
  id: string;
  to: EndedState;
  /** Milliseconds since the epoch. */
  at: number;
  reason: string;
  /** `to`, unless told. */
  cause?: EndCause;
  /** Who ends it; nobody, unless told. */
  by?: string | null;
  /** Ends it only if it has not been used after this time. */
  unusedSince?: number;
};

/**
 * What an action takes from budgets: one call from every task of the chain when `counted`, and what each of the draws says
 * from one of their other counters.
 */
export type Taken = { chain: readonly string[]; counted: boolean; draws?: readonly Draw[] };

export interface TaskStore {
  /**
   * Makes the task, for an agent that is neither suspended nor retired, under a parent that is live, and not otherwise, and
   * unless it falls under a suspension. `approval` (of the parent, or without one of no task) is spent with it, or nothing
   * is made. Nor is it when `assertion`, or another by the same name, has made one: of two who come with one, one is told `created`.
   */
  createTask(
    task: Task,
    records: Records,
    approval?: string | null,
    assertion?: IdentityAssertion | null,
  ): Promise<'created' | 'parent_ended' | 'approval_spent' | 'agent_stopped' | 'suspended' | 'assertion_used'>;
  /**
   * Ends the task and every descendant that has not ended, in one step. Pending and unspent approvals of all of them
   * are closed with it, and a closing is opened for each task. `records` is called with what was ended, so that the
   * record says exactly that.
   */
  endTask(
    end: TaskEnd,
    records: (ended: readonly Task[]) => Records,
  ): Promise<
    { outcome: 'ended'; tasks: Task[] } | { outcome: 'already_ended' } | { outcome: 'in_use' } | { outcome: 'unknown' }
  >;
  /**
   * INVARIANT 5 and 6: the last gate before an effect. In one step: every task of the chain is still active and within
   * budget (which the action is taken from), the approval (or one use of the standing answer, if any) is spent, the target
   * (if any) is not suspended, every lease that it uses is held, and the decision is recorded. A `token` is issued with it,
   * under the first task of the chain, and a `lease` is intended. When not admitted, nothing is changed and nothing is recorded. What was taken stays so until it is given back:
   * also when the process ends before anybody knows what became of the action.
   */
  admit(
    request: Taken & {
      approval: string | null;
      target?: string;
      /** `expiresAt`: when nobody takes it any more, in ms since the epoch. */
      token?: { id: string; expiresAt: number };
      /** Ids of the leases that it uses. */
      uses?: readonly string[];
      /** What may come to exist by it: from here on it is known that it may, whatever becomes of this process. */
      lease?: Lease;
    },
    records: Records,
  ): Promise<Admission>;
  /**
   * Gives back what an admitted action has taken, since it did not happen, with the records that say so. Once for each
   * admission: more than was taken is never given back, but the call of another may be.
   */
  giveBack(taken: Taken, records: Records): Promise<void>;
  task(id: string): Task | undefined;
  /** The task, its parent, … the root, each with what it has used; empty when the id is unknown. From memory. */
  chain(id: string): TaskView[];
  /**
   * The task and all below it, ended or not, parents before their children, at most `limit`; empty when the id is unknown.
   */
  tree(id: string, limit: number): TaskView[];
  /** What was permitted within the task and all below it but the protocol's own, the latest first. */
  pastActions(task: string, limit: number): PastAction[];
  /** Newest first. `after` is the id of the last task of the page before. */
  tasks(filter: {
    state?: Task['state'];
    delegator?: Pick<Delegator, 'issuer' | 'subject'>;
    agent?: string;
    after?: string;
    limit: number;
  }): Task[];
  /** Active tasks whose window has closed at `now`. */
  overdue(now: number): Task[];
  /** Active tasks that were not used, and did not start, after this time. */
  unused(since: number): Task[];
  /** Tasks that have not ended. */
  live(): Task[];
}

/** Identity assertions, each of which makes one task, for good: they are kept as long as the tasks are. */
export interface AssertionStore {
  /** What the assertion has made. `other`: another assertion by the same name was there before. */
  assertedTask(assertion: IdentityAssertion): { outcome: 'made'; task: string } | { outcome: 'other' } | undefined;
}

/** What the ends of tasks have ended, and what is left to end. */
export interface ClosingStore {
  closing(task: string): Closing | undefined;
  /** Those that have something outstanding and are to be tried (again) at `now`: the longest due first. */
  closingsDue(now: number, limit: number): Closing[];
  /** Keeps the closing after one more attempt, with its record. `stale`: another attempt was kept first. */
  saveClosing(closing: Closing, records: Records): Promise<'saved' | 'stale' | 'unknown'>;
}

/** A process of a target, of one task; of none when it was started to look at the target. */
export type StartedProcess = {
  /** `<target>:<pid>` */
  id: string;
  pid: number;
  /** What tells it from a later process with the same pid. */
  birth: string;
  task: string | null;
};

/** Processes that were started and are not known to have gone, also by a process of Remit before this one. */
export interface ProcessStore {
  processStarted(started: StartedProcess): Promise<void>;
  processGone(id: string): Promise<void>;
  /** All, or those of one task. */
  processes(task?: string): StartedProcess[];
}

/** What may do nothing now. */
export interface SuspensionStore {
  /**
   * From when this resolves on it may do nothing, and in the same step every live task that ends with it (`endsWith`) has
   * ended, as `endTask` ends one. `records` is called with what was ended.
   */
  suspend(
    suspension: Suspension,
    records: (ended: readonly Task[]) => Records,
  ): Promise<{ outcome: 'suspended'; tasks: Task[] } | { outcome: 'already_suspended' }>;
  /** What ended stays ended; something new may be begun. */
  resume(resumed: Pick<Suspension, 'kind' | 'id'>, records: Records): Promise<'resumed' | 'not_suspended'>;
  /** From memory. */
  suspension: FindSuspension;
  /** Oldest first. */
  suspensions(): Suspension[];
}

/** `times`: how often it was permitted. `lastAt` in ms since the epoch. */
export type PastAction = { target: string; operation: string; effect: Effect; times: number; lastAt: number };

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

/** Pinned tool definitions (invariant 12). */
export interface DefinitionStore {
  definition(target: string, operation: string): DefinitionPin | undefined;
  definitions(target: string): DefinitionPin[];
  /** First sight pins; the same digest changes nothing; another digest quarantines until `acceptDefinition`. */
  observeDefinition(
    seen: { target: string; operation: string; digest: string; definition: string; at: number },
    records: (verdict: 'pinned' | 'changed') => Records,
  ): Promise<'pinned' | 'unchanged' | 'changed'>;
  /** Accepts the quarantined definition with exactly this digest. */
  acceptDefinition(
    accepted: { target: string; operation: string; digest: string },
    records: Records,
  ): Promise<'accepted' | 'not_quarantined' | 'other_digest'>;
}

export type DefinitionPin = {
  target: string;
  operation: string;
  /** `sha256:` over the RFC 8785 form of name, description and schemas. */
  digest: string;
  /** The definition that was accepted, as JSON text. */
  definition: string;
  /** A definition that differs and waits to be accepted. */
  quarantined?: { digest: string; definition: string };
};

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

/** Agents that are registered, and in which state. All of it is in memory too. */
export interface AgentStore {
  registerAgent(agent: RegisteredAgent, records: Records): Promise<'registered' | 'exists'>;
  /** Of two who change what they saw as `revision`, one is told `changed_meanwhile`. What is absent stays. */
  changeAgent(
    change: { id: string; revision: number } & Partial<
      Pick<RegisteredAgent, 'owner' | 'purpose' | 'groups' | 'profiles'>
    >,
    records: Records,
  ): Promise<'changed' | 'changed_meanwhile' | 'retired' | 'unknown'>;
  /**
   * INVARIANT 6: puts the agent, or the fleet, into another state, and unless that is `active` ends in the same step every
   * live task of it, with all below, as `endTask` does.
   */
  moveAgent(
    move: { id: string; to: AgentState; at: number; reason: string },
    records: (agent: RegisteredAgent, ended: readonly Task[]) => Records,
  ): Promise<
    | { outcome: 'moved'; agent: RegisteredAgent; tasks: Task[] }
    | { outcome: 'not_from'; state: AgentState }
    | { outcome: 'unknown' }
  >;
  /** Suspends all active agents whose owner this person is, in one step, and with their tasks as `moveAgent` does. */
  suspendAgentsOf(
    owner: Pick<Delegator, 'issuer' | 'subject'>,
    why: { at: number; reason: string },
    records: (agents: readonly RegisteredAgent[], ended: readonly Task[]) => Records,
  ): Promise<{ agents: RegisteredAgent[]; tasks: Task[] }>;
  /** Last uses, none of which is recorded. One that is older than what is known changes nothing. */
  noteAgentUse(uses: readonly { id: string; at: number }[]): Promise<void>;
  agent(id: string): RegisteredAgent | undefined;
  /** By id. */
  agents(): RegisteredAgent[];
  /** Another number whenever something of `agents()` but a last use is another than before. */
  agentChanges(): number;
}

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

/** A set whose policies were found to be evaluated otherwise than Cedar says. */
export type DistrustedPolicySet = {
  hash: string;
  /** Id of the record of the decision that showed it. */
  decision: string;
  /** Milliseconds since the epoch. */
  at: number;
};

export interface LogStore {
  append(records: Records): Promise<void>;
  /** Entries (RFC 8785 text of the records) from `start`, at most `limit`, in order. */
  entries(start: number, limit: number): { index: number; entry: string }[];
  /** How many entries the log holds. */
  size(): number;
  /** Index of the record with this id. */
  indexOf(recordId: string): number | undefined;
  /** Called after each durable commit with the new size. Used by the tree writer; must not throw. */
  onCommit(listener: (size: number) => void): void;
}

/** All of it: what a database adapter provides, and what `main.ts` hands out in parts. */
export interface Store
  extends
    TaskStore,
    AssertionStore,
    ApprovalStore,
    StandingStore,
    WebhookStore,
    DefinitionStore,
    PolicySetStore,
    RevokedTokenStore,
    AgentStore,
    RevocationStore,
    ClosingStore,
    ProcessStore,
    SuspensionStore,
    LeaseStore,
    LogStore {
  /** Commits what is queued and closes. */
  close(): Promise<void>;
}
