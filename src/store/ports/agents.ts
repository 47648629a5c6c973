import type { AgentState, RegisteredAgent } from '../../core/agent.ts';
import type { Task } from '../../core/task.ts';
import type { Records } from './records.ts';

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
  /** Last uses, none of which is recorded. One that is older than what is known changes nothing. */
  noteAgentUse(uses: readonly { id: string; at: number }[]): Promise<void>;
  agent(id: string): RegisteredAgent | undefined;
  /** By id. */
  agents(): RegisteredAgent[];
  /** Another number whenever something of `agents()` but a last use is another than before. */
  agentChanges(): number;
}
