import type { JsonObject } from './json.ts';

/**
 * What a task may bring into the world at a target. `found` is what looks like a secret in an answer, and no target file
 * says that it would be there.
 */
export const LEASE_KINDS = ['secret', 'session', 'ticket', 'found'] as const;
export type LeaseKind = (typeof LEASE_KINDS)[number];

/**
 * - `intended`: a call that mints was permitted, and nobody knows yet what came of it.
 * - `held`: it exists at the target, and the ledger knows by which name.
 * - `doubtful`: it may exist: the answer never came, or was not what the target file declares.
 * - `waiting`: a found secret that a person has to say something about before the agent may use it.
 * - `none`: nothing came of it. `revoked`: the target says that it is gone. `kept`: it is meant to outlive its task.
 * - `settled`: a person says that it is gone. `discarded`: Remit has forgotten what it had found.
 */
export const LEASE_STATES = [
  'intended',
  'held',
  'doubtful',
  'waiting',
  'none',
  'revoked',
  'kept',
  'settled',
  'discarded',
] as const;
export type LeaseState = (typeof LEASE_STATES)[number];

const MAY_BECOME: Readonly<Record<LeaseState, readonly LeaseState[]>> = {
  intended: ['held', 'doubtful', 'none'],
  held: ['revoked', 'kept', 'settled', 'discarded'],
  doubtful: ['held', 'none', 'settled'],
  waiting: ['held', 'discarded'],
  none: [],
  revoked: [],
  kept: [],
  settled: [],
  discarded: [],
};

export function leaseMayBecome(from: LeaseState, to: LeaseState): boolean {
  return MAY_BECOME[from].includes(to);
}

/** Whether there is something left to do about it. */
export function isOutstanding(state: LeaseState): boolean {
  return MAY_BECOME[state].length > 0;
}

/** The states of which something is left to do. */
export const OUTSTANDING_STATES: readonly LeaseState[] = LEASE_STATES.filter(isOutstanding);

/**
 * How it comes to an end: by a call at its target, whose arguments are complete; by the hand of a person, who is told the
 * step; by being kept; or, for what was found, by Remit forgetting it.
 */
export type LeaseEnd =
  | { by: 'call'; operation: string; arguments: JsonObject; gone: readonly string[] }
  | { by: 'hand'; step: string }
  | { by: 'keeping'; why: string }
  | { by: 'forgetting' };

/** One thing that exists, or may exist, because of a task. Its value is kept apart from it. Times in ms since the epoch. */
export type Lease = {
  /** `lse_…` */
  id: string;
  task: string;
  agent: string;
  delegator: string;
  target: string;
  operation: string;
  kind: LeaseKind;
  state: LeaseState;
  /** The record of the decision that permitted the call. */
  decision: string;
  /** Targets towards which its value may be sent. */
  usableAt: readonly string[];
  madeAt: number;
  /** What the target calls it; `null` while that is not known. */
  identifier: string | null;
  /** When the target lets it lapse, as far as it says. */
  expiresAt: number | null;
  end: LeaseEnd;
  /** The part of the arguments of the call that it takes to find it, or to take it back. */
  inputs: JsonObject;
  /** How often it was tried to end it by a call, and why that has failed the last time. */
  attempts: number;
  problem: string | null;
  /** Since when somebody was told that it is still there and should not be. */
  overstaysSince: number | null;
  /** Who or what it came to an end by. */
  over: { at: number; by: string | null; reason: string | null } | null;
};

/** The lease in another state. @throws Error when it cannot come to that: a fault, the store says who comes too late. */
export function moved(lease: Lease, to: LeaseState, change: Partial<Lease> = {}): Lease {
  if (!leaseMayBecome(lease.state, to)) throw new Error(`a lease that is ${lease.state} cannot become ${to}`);
  return { ...lease, ...change, state: to };
}

/** What stands for the value of a lease in what an agent sees: the letters of its id, safe in JSON, URLs and headers. */
export const HANDLE = 'remit-lease-';
const ID = 'lse_';

export function handleOf(id: string): string {
  return `${HANDLE}${id.slice(ID.length)}`;
}

/** Whether the text is a handle, and nothing else. */
export function isHandle(text: string): boolean {
  return /^remit-lease-[0-9a-z]{24}$/.test(text);
}

/** Ids of the leases whose handles stand in a text, each once. */
export function idsIn(text: string): string[] {
  // Most texts have none, and a search is much faster than a pattern.
  if (!text.includes(HANDLE)) return [];
  return [...new Set(text.matchAll(/remit-lease-([0-9a-z]{24})/g).map(([, body]) => `${ID}${body}`))];
}

/** The text with each handle replaced by what is given for its id, all at once: what comes in is not looked at again. */
export function replaceHandles(text: string, by: (id: string, handle: string) => string): string {
  if (!text.includes(HANDLE)) return text;
  return text.replace(/remit-lease-([0-9a-z]{24})/g, (handle, body: string) => by(`${ID}${body}`, handle));
}

/** What a decision sees of a lease that the arguments of an action name by its handle. */
export type NamedLease = {
  id: string;
  /** `null` when there is none of this handle. */
  lease: Pick<Lease, 'task' | 'target' | 'operation' | 'kind' | 'state' | 'usableAt' | 'madeAt'> | null;
};
