import { Conflict, Forbidden, NotFound } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { moved, type Lease, type LeaseState } from '../core/lease.ts';
import { delegatorId } from '../core/party.ts';
import type { DecisionRecord } from '../core/record.ts';
import { hasEnded, type Task } from '../core/task.ts';
import type { LeaseFilter, LeaseStore, TaskStore } from '../store/ports.ts';
import {
  askerName,
  authorize,
  refusedRecord,
  type Asker,
  type AuthorizeParts,
  type OwnOperation,
} from '../task/authorize.ts';
import { isParty } from '../task/party.ts';
import type { CleanUp } from './clean-up.ts';
import type { HeldValues } from './held-values.ts';
import { leaseEvent, type LeaseEvent } from './lease-event.ts';

export type LeaseParts = AuthorizeParts & {
  store: LeaseStore & Pick<TaskStore, 'chain' | 'task'>;
  values: HeldValues;
  cleanUp: Pick<CleanUp, 'revoke'>;
  /** The task has ended and may now be done with: its closing is looked at again. */
  settled: (task: Task) => void;
};

export type ShownLease = { lease: Lease; /** What the task is for. */ purpose: string | null };

type LeaseOperation = Extract<OwnOperation, `lease.${string}`>;

/** What people do with what tasks have minted. No value of a lease comes out of here. */
export interface Leases {
  /** The newest first: those of the asker's own tasks, or of all. @throws Forbidden */
  list(asker: Asker, filter: LeaseFilter & { all: boolean }): Promise<ShownLease[]>;
  /** @throws NotFound, also for who may not know of it. */
  show(asker: Asker, id: string): Promise<ShownLease>;
  /** By its declared call, now. What could not be taken back comes back as held, with the problem. @throws NotFound, Forbidden, Conflict */
  revoke(asker: Asker, id: string, reason: string): Promise<ShownLease>;
  /** A person says that it is gone. @throws NotFound, Forbidden, Conflict */
  settle(asker: Asker, id: string, reason: string): Promise<ShownLease>;
  /** From here on the agent may use what was found, at its target and by its handle. @throws NotFound, Forbidden, Conflict */
  release(asker: Asker, id: string, reason: string): Promise<ShownLease>;
  /** Forgets what was found. @throws NotFound, Forbidden, Conflict */
  discard(asker: Asker, id: string, reason: string): Promise<ShownLease>;
}

export function createLeases(parts: LeaseParts): Leases {
  const { store, clock } = parts;

  async function permitted(asker: Asker, operation: LeaseOperation, id: string, args: JsonObject) {
    const lease = store.lease(id);
    if (lease === undefined) throw unknownLease(id);
    const chain = store.chain(lease.task);
    const party = chain[0] !== undefined && isParty(asker, chain[0].task);
    // Whatever policy says: another agent has nothing to do with it.
    if (!party && asker.agent !== null) {
      const reason = 'the asker is no party to the task of the lease';
      await parts.log.append([refusedRecord(asker, { operation, subject: { lease: id }, reason }, parts)]);
      throw unknownLease(id);
    }
    const own = { operation, resources: [`lease:${id}`, `task:${lease.task}`], arguments: args, chain };
    const record = await authorize(asker, own, parts).catch((error: unknown) => {
      throw error instanceof Forbidden && !party ? unknownLease(id) : error;
    });
    return { lease, record };
  }

  /** INVARIANT 7: what was kept from agents is not let go, nor called gone, by one. */
  async function byPerson(asker: Asker, operation: LeaseOperation, id: string): Promise<void> {
    if (asker.agent === null) return;
    const reason = 'an agent does not decide this; a person has to';
    await parts.log.append([refusedRecord(asker, { operation, subject: { lease: id }, reason }, parts)]);
    throw new Forbidden(reason);
  }

  async function move(
    { lease, record }: { lease: Lease; record: DecisionRecord },
    to: { state: LeaseState; event: LeaseEvent; by: string; reason: string },
    change: Partial<Lease>,
  ): Promise<ShownLease> {
    const now = moved(lease, to.state, change);
    const event = leaseEvent(
      to.event,
      now,
      { id: parts.newId('rec'), time: clock() },
      { by: to.by, reason: to.reason },
    );
    const saved = await store.saveLease({ lease: now, from: [lease.state] }, [record, event]);
    if (saved !== 'saved') throw new Conflict(`lease \`${lease.id}\` has changed meanwhile; look at it again`);
    const task = store.task(lease.task);
    if (task !== undefined && hasEnded(task.state)) parts.settled(task);
    return shown(now);
  }

  const over = (asker: Asker, reason: string) => ({ over: { at: clock(), by: askerName(asker), reason } });
  const shown = (lease: Lease): ShownLease => ({ lease, purpose: store.task(lease.task)?.purpose ?? null });

  return {
    list: async (asker, { all, ...filter }) => {
      const operation = all ? 'lease.read' : 'lease.list';
      const record = await authorize(asker, { operation, resources: [], arguments: {} }, parts);
      await parts.log.append([record]);
      const own = asker.delegator === null ? { agent: asker.agent!.id } : { delegator: delegatorId(asker.delegator) };
      return store.leases(all ? filter : { ...filter, ...own }).map(shown);
    },
    show: async (asker, id) => {
      const { lease, record } = await permitted(asker, 'lease.read', id, {});
      await parts.log.append([record]);
      return shown(lease);
    },
    revoke: async (asker, id, reason) => {
      const { lease, record } = await permitted(asker, 'lease.revoke', id, { reason });
      await parts.log.append([record]);
      if (lease.state !== 'held' || lease.end.by !== 'call') throw new Conflict(otherwise(lease));
      const now = await parts.cleanUp.revoke(id, { by: askerName(asker), reason });
      const task = store.task(lease.task);
      if (task !== undefined && hasEnded(task.state)) parts.settled(task);
      return shown(now ?? lease);
    },
    settle: async (asker, id, reason) => {
      await byPerson(asker, 'lease.settle', id);
      const found = await permitted(asker, 'lease.settle', id, { reason });
      const { lease, record } = found;
      if ((lease.state !== 'held' && lease.state !== 'doubtful') || lease.kind === 'found') {
        await parts.log.append([record]);
        throw new Conflict(otherwise(lease));
      }
      const to = { state: 'settled', event: 'lease.settled', by: askerName(asker), reason } as const;
      const settled = await move(found, to, over(asker, reason));
      parts.values.forget(id);
      return settled;
    },
    release: async (asker, id, reason) => {
      await byPerson(asker, 'lease.release', id);
      const found = await permitted(asker, 'lease.release', id, { reason });
      const task = store.task(found.lease.task);
      if (found.lease.state !== 'waiting' || task === undefined || hasEnded(task.state)) {
        await parts.log.append([found.record]);
        throw new Conflict(otherwise(found.lease));
      }
      return move(found, { state: 'held', event: 'lease.released', by: askerName(asker), reason }, {});
    },
    discard: async (asker, id, reason) => {
      const found = await permitted(asker, 'lease.discard', id, { reason });
      const { lease, record } = found;
      if (lease.kind !== 'found' || (lease.state !== 'waiting' && lease.state !== 'held')) {
        await parts.log.append([record]);
        throw new Conflict(otherwise(lease));
      }
      const to = { state: 'discarded', event: 'lease.discarded', by: askerName(asker), reason } as const;
      const discarded = await move(found, to, over(asker, reason));
      parts.values.forget(id);
      return discarded;
    },
  };
}

/** What can be done with it instead. */
function otherwise({ id, state, kind, end }: Lease): string {
  if (state === 'waiting') return `it waits: \`remit lease release ${id}\`, or \`remit lease discard ${id}\``;
  if (state === 'intended') return 'its call is under way; look again when that has ended';
  if (state !== 'held' && state !== 'doubtful') return `it is over: ${state}`;
  if (kind === 'found') return `nothing of it is known at the target: \`remit lease discard ${id}\``;
  if (end.by === 'call') return `it is held: \`remit lease revoke ${id}\``;
  if (end.by === 'keeping') return `it is kept beyond its task: ${end.why}`;
  return `a person has to take it back: ${end.by === 'hand' ? end.step : ''}; then \`remit lease settle ${id} --reason …\``;
}

function unknownLease(id: string): NotFound {
  return new NotFound(`there is no lease \`${id.slice(0, 64)}\` that you may see`);
}
