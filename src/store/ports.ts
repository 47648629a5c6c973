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
import type { AgentStore } from './ports/agents.ts';
import type { ApprovalStore, StandingStore, WebhookStore } from './ports/approvals.ts';
import type { DefinitionStore } from './ports/definitions.ts';
import type { ClosingStore, ProcessStore, SuspensionStore } from './ports/endings.ts';
import type { LeaseStore } from './ports/leases.ts';
import type { LogStore } from './ports/log.ts';
import type { PolicySetStore } from './ports/policy-sets.ts';
import type { RevocationStore, RevokedTokenStore } from './ports/revocations.ts';
import type { SealedStore } from './ports/sealed.ts';
import type { RunStore } from './ports/runs.ts';
import type { AssertionStore, TaskStore } from './ports/tasks.ts';
import type { TrailStore } from './ports/trails.ts';

export type * from './ports/agents.ts';
export type * from './ports/approvals.ts';
export type * from './ports/definitions.ts';
export type * from './ports/endings.ts';
export type * from './ports/leases.ts';
export type * from './ports/log.ts';
export type * from './ports/policy-sets.ts';
export type * from './ports/records.ts';
export type * from './ports/revocations.ts';
export type * from './ports/sealed.ts';
export type * from './ports/runs.ts';
export type * from './ports/tasks.ts';
export type * from './ports/trails.ts';

/** All of it: what a database adapter provides, and what `main.ts` hands out in parts. */
export interface Store
  extends
    TaskStore,
    TrailStore,
    AssertionStore,
    RunStore,
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
    SealedStore,
    LeaseStore,
    LogStore {
  /** Commits what is queued and closes. */
  close(): Promise<void>;
  /** Whether writes are taken. Once not, never again: the process has to be restarted. */
  healthy(): boolean;
}
