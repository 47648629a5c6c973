import type { Budget } from './budget.ts';
import type { Grant } from './grant.ts';
import type { JsonObject } from './json.ts';
import type { Agent, Delegator } from './party.ts';
import { isOpen, localText, scheduleText, type Schedule } from './schedule.ts';
import type { Sensitivity } from './sensitivity.ts';

/** How often a task is handed on at most; so many agents, and the first one, stand in a chain. */
export const MAX_HOPS = 16;

export const TASK_STATES = ['requested', 'active', 'completed', 'revoked', 'expired', 'denied'] as const;
export type TaskState = (typeof TASK_STATES)[number];
export type EndedState = 'completed' | 'revoked' | 'expired' | 'denied';

/** Where the instruction came from. `trust` falls with the distance from an authenticated person. */
export type PromptOrigin = {
  channel: 'console' | 'cli' | 'api' | 'chat' | 'email' | 'ticket' | 'schedule' | 'agent';
  author?: string;
  /** `sha256:` and the hexadecimal digest of the prompt's text, when the client gave it. */
  digest?: string;
  /** RFC 7638 thumbprint of the key that the client which captured the prompt has signed its digest with. */
  signer?: string;
  trust: 'authenticated' | 'organisation' | 'outside';
};

/**
 * A provider's statement that an agent may act for a person. `issuer` and `id` (`jti`) together name it; `digest` is of
 * what it says.
 */
export type IdentityAssertion = { issuer: string; id: string; digest: string };

/** `schedules`: when within it the task may act; all of them have to be open. */
export type Window = { notBefore: number; expiresAt: number; schedules?: Schedule[] };

/** The profile that a task was made from, as it was then. A child has that of its parent. */
export type TaskProfile = {
  name: string;
  version: number;
  /** `sha256:` of the profile's file. */
  digest: string;
  /** Who has to agree to each hop (`readApprovalRule`). Absent: nobody beside policy. */
  hopApproval?: string[];
  /** Its agent started it by itself, and nobody sees what it does. */
  automated?: true;
};

/** One bounded piece of delegated work. Times are milliseconds since the epoch. */
export type Task = {
  id: string;
  /** The task this one was handed from (a hop), or `null` for a root task. */
  parent: string | null;
  delegator: Delegator;
  agent: Pick<Agent, 'id' | 'trustDomain'>;
  purpose: string;
  parameters: JsonObject;
  grant: Grant[];
  /** The highest sensitivity that the task may touch. */
  sensitivity: Sensitivity;
  origin: PromptOrigin;
  window: Window;
  budget: Budget;
  /** How many more times the task may be handed on; 0 for none. */
  maxHops: number;
  /** Absent: it was asked for in full. */
  profile?: TaskProfile;
  state: TaskState;
  createdAt: number;
  /** Id of the record of the decision that it was made by. */
  decision?: string;
  endedAt?: number;
  endReason?: string;
  /** What an agent took it up on, where no person has handed it out here. */
  assertion?: Omit<IdentityAssertion, 'digest'>;
};

const TRANSITIONS: Record<TaskState, readonly TaskState[]> = {
  requested: ['active', 'denied', 'revoked', 'expired'],
  active: ['completed', 'revoked', 'expired'],
  completed: [],
  revoked: [],
  expired: [],
  denied: [],
};

export function mayBecome(from: TaskState, to: TaskState): boolean {
  return TRANSITIONS[from].includes(to);
}

export function hasEnded(state: TaskState): state is EndedState {
  return TRANSITIONS[state].length === 0;
}

/** Why nothing may be done under this task at `now`, or `null` when it is live. */
export function notLive(task: Task, now: number): string | null {
  if (task.state !== 'active') return `task \`${task.id}\` is ${task.state}`;
  if (now < task.window.notBefore) return `task \`${task.id}\` has not started yet`;
  if (now >= task.window.expiresAt) return `task \`${task.id}\` has expired`;
  return outsideHours(task, now);
}

/** INVARIANT 3: each level's hours are looked at by themselves, so a child cannot act where its parent may not. */
export function outsideHours({ id, window }: Task, now: number): string | null {
  const shut = window.schedules?.find((schedule) => !isOpen(schedule, now));
  if (shut === undefined) return null;
  return `task \`${id}\` may act ${scheduleText(shut)}; there it is ${localText(shut, now)}`;
}
