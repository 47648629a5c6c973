import type { Sha256Hex } from '../../core/action.ts';
import type { DecisionInput } from '../../core/decision.ts';
import type { Ledger } from '../../lease/ledger.ts';
import { suspensionOfAction, type FindSuspension } from '../../core/suspension.ts';
import type { Task } from '../../core/task.ts';
import type { Pdp } from '../../pdp/pdp.ts';
import type { Referee } from '../../pdp/referee/referee.ts';
import type { TaskSources } from '../../provenance/task-sources.ts';
import type { ApprovalStore, LogStore, StandingStore, TaskStore, TrailStore } from '../../store/ports.ts';
import type { Exchange } from '../exchange.ts';

/** What the steps that every PEP shares work with. */
export type StepParts = {
  store: TaskStore & TrailStore & ApprovalStore & StandingStore & LogStore;
  /** The policy set that is in force now. */
  pdp: () => Pdp;
  /** Has a sample of decisions evaluated again. */
  referee: Pick<Referee, 'consider'>;
  /** INVARIANT 9: whether this node can show that its view is fresh. */
  fresh: () => boolean;
  suspension: FindSuspension;
  /** What tasks were given and have read. */
  sources: Pick<TaskSources, 'look' | 'sends' | 'read'>;
  leases: Pick<Ledger, 'named' | 'intend'>;
  clock: () => number;
  newId: (prefix: string) => string;
  sha256: Sha256Hex;
  approvalLifetimeMs: number;
  /** Ends a task that nobody watches, for an action that is outside of it. Resolves when that is durable. */
  endAutomated: (task: Task, why: string) => Promise<void>;
  /** Failures that the caller cannot be told of any more. */
  onFault: (error: unknown, about: string) => void;
};

/** What an exchange knows after `gather`. */
export type Gathered<Request, Answer> = Exchange<Request, Answer> &
  Required<Pick<Exchange<Request, Answer>, 'caller' | 'action' | 'chain' | 'digest'>>;

/** @throws Error when a step is missing from the table: a fault of the build, not of the caller. */
export function gathered<Request, Answer>(exchange: Exchange<Request, Answer>): Gathered<Request, Answer> {
  const { caller, action, chain, digest } = exchange;
  if (caller === undefined || action === undefined || chain === undefined || digest === undefined) {
    throw new Error('a pipeline decides before it has gathered');
  }
  return exchange as Gathered<Request, Answer>;
}

/** Decides on what is gathered, and keeps what was decided on: the record states that, not what is so a moment later. */
export function decideNow(exchange: Gathered<unknown, unknown>, parts: StepParts): void {
  exchange.decidedOn = decisionInput(exchange, parts);
  exchange.decision = parts.pdp().decide(exchange.decidedOn);
}

/** The decision's input: exactly what the steps before have put together, and the clock. */
function decisionInput(exchange: Gathered<unknown, unknown>, parts: StepParts): DecisionInput {
  const { caller, action, chain } = exchange;
  const about = { action, agent: caller.agent, delegator: caller.delegator, chain };
  const suspended = suspensionOfAction(about, parts.suspension);
  return {
    now: parts.clock(),
    fresh: parts.fresh(),
    ...about,
    ...(suspended === undefined ? {} : { suspended }),
    token: { issuedAt: caller.token.issuedAt, binding: caller.token.binding, narrowedTo: caller.grants },
    approval: exchange.approval ?? null,
  };
}
