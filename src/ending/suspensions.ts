import { agentRecord } from '../agent/agents.ts';
import { Conflict, Unavailable } from '../core/errors.ts';
import { delegatorId } from '../core/party.ts';
import type { EventRecord, LogRecord } from '../core/record.ts';
import type { Suspension, SuspensionKind } from '../core/suspension.ts';
import type { Task } from '../core/task.ts';
import type { LiveWork } from '../gateway/live.ts';
import type { SuspensionStore, TaskStore } from '../store/ports.ts';
import { askerName, authorize, type Asker, type AuthorizeParts, type OwnAction } from '../task/authorize.ts';
import { endedRecord, type Ended } from '../task/end.ts';
import type { Closer } from './closer.ts';
import type { Halt } from './halt.ts';
import { nameSuspended, type Suspendable } from './name-suspended.ts';

export type SuspensionParts = AuthorizeParts & {
  store: SuspensionStore & Pick<TaskStore, 'live'>;
  known: Suspendable;
  halt: Halt;
  live: Pick<LiveWork, 'endTarget'>;
  closer: Pick<Closer, 'cut'>;
  /** Tells whoever listens of tasks that have ended. */
  ended: Ended;
};

export type Named = { kind: SuspensionKind; id: string | undefined; reason: string };

/** What may do nothing: a delegator, a target, a trust domain, or everything. */
export interface Suspensions {
  /** Oldest first. */
  list(asker: Asker): Promise<Suspension[]>;
  /**
   * Suspends, and ends every task that ends with it. @throws InvalidRequest for a name that means nothing here; Forbidden;
   *   Conflict when it is suspended already; Unavailable when it could not be stored: everything is stopped all the same.
   */
  suspend(asker: Asker, named: Named): Promise<{ suspension: Suspension; ended: number }>;
  /** @throws InvalidRequest, Forbidden; Conflict when it is not suspended. */
  resume(asker: Asker, named: Named): Promise<void>;
  /**
   * For parts of Remit that have decided it themselves: `records` stand before the record of the suspension. Resolves with
   * the tasks that ended, or `null` when it is suspended already.
   */
  begin(suspension: Suspension, records: readonly LogRecord[], request?: string): Promise<Task[] | null>;
}

export function createSuspensions(parts: SuspensionParts): Suspensions {
  const { store, halt, clock } = parts;

  async function begin(
    suspension: Suspension,
    records: readonly LogRecord[],
    request?: string,
  ): Promise<Task[] | null> {
    const { kind, id, by, reason } = suspension;
    const result = await store.suspend(suspension, (tasks, agents) => [
      ...records,
      event('access.suspended', { kind, id, by, reason, tasks: tasks.length }, parts),
      ...agents.map((agent) => agentRecord('agent.suspended', agent, { by, request, reason: agent.reason }, parts)),
      ...tasks.map((task) => endedRecord(task, parts)),
    ]);
    if (result.outcome !== 'suspended') return null;
    if (kind === 'target') parts.live.endTarget(id, reason);
    parts.ended(result.tasks, reason);
    return result.tasks;
  }

  /** INVARIANT 6: nothing waits for the store. It is denied from here on, and what is under way is cut, before it is durable. */
  async function stopEverything(suspension: Suspension, records: readonly LogRecord[]): Promise<Task[] | null> {
    halt.begin(suspension);
    parts.closer.cut(store.live(), suspension.reason);
    return begin(suspension, records).catch((cause: unknown) => {
      throw new Unavailable(
        'everything is stopped in this process, but that could not be stored, and would not outlive a restart; keep it stopped',
        { cause },
      );
    });
  }

  return {
    list: async (asker) => {
      const record = await authorize(asker, { operation: 'access.read', resources: [], arguments: {} }, parts);
      await parts.log.append([record]);
      return store.suspensions();
    },
    suspend: async (asker, named) => {
      const { kind, id } = nameSuspended(named, parts.known);
      if (asker.delegator !== null && kind === 'delegator' && id === delegatorId(asker.delegator)) {
        throw new Conflict('you would lock yourself out; let somebody else do it');
      }
      const record = await authorize(
        asker,
        own(kind === 'everything' ? 'access.stop' : 'access.suspend', { ...named, id }),
        parts,
      );
      const suspension = { kind, id, since: clock(), by: askerName(asker), reason: named.reason };
      const ended =
        kind === 'everything'
          ? await stopEverything(suspension, [record])
          : await begin(suspension, [record], asker.request);
      if (ended !== null) return { suspension, ended: ended.length };
      await parts.log.append([record]);
      throw new Conflict(kind === 'everything' ? 'everything is stopped already' : `\`${id}\` is suspended already`);
    },
    resume: async (asker, named) => {
      const { kind, id } = nameSuspended(named, parts.known);
      const record = await authorize(asker, own('access.resume', { ...named, id }), parts);
      const by = askerName(asker);
      const resumed = event('access.resumed', { kind, id, by, reason: named.reason }, parts);
      const outcome = await store.resume({ kind, id }, [record, resumed]);
      // Only once it is durable; and a halt that was never stored is lifted as well.
      const halted = kind === 'everything' && halt.find(kind, id) !== undefined;
      if (kind === 'everything') halt.lift();
      if (outcome === 'resumed') return;
      await parts.log.append(halted ? [record, resumed] : [record]);
      if (!halted) throw new Conflict(kind === 'everything' ? 'nothing is stopped' : `\`${id}\` is not suspended`);
    },
    begin,
  };
}

function own(
  operation: 'access.stop' | 'access.suspend' | 'access.resume',
  { kind, id, reason }: Named & { id: string },
): OwnAction {
  return {
    operation,
    resources: [kind === 'everything' ? kind : `${kind}:${id}`],
    arguments: { kind, id, reason },
  };
}

function event(
  name: 'access.suspended' | 'access.resumed',
  subject: EventRecord['subject'],
  { newId, clock }: Pick<SuspensionParts, 'newId' | 'clock'>,
): EventRecord {
  return { version: 1, id: newId('rec'), time: clock(), kind: 'event', event: name, subject };
}
