import type { LeaseStore } from '../ports.ts';
import type { CommitQueue } from './commit-queue.ts';
import { checkIdentifiers } from './identifier.ts';
import type { LeaseTable } from './lease-table.ts';
import type { RecordLog } from './record-log.ts';
import type { TaskTable } from './task-table.ts';

export type LeaseTables = { log: RecordLog; leases: LeaseTable; tasks: TaskTable };

export function leaseVerbs(queue: CommitQueue, { log, leases, tasks }: LeaseTables): LeaseStore {
  return {
    lease: (id) => leases.of(id),
    leases: (filter) => leases.list(filter),
    outstandingLeases: (task) => (task.isWellFormed() ? leases.outstandingOf(task) : []),
    sealedLease: (id) => leases.sealed(id),
    saveLease: ({ lease, from, sealed }, records) =>
      queue.add(() => {
        checkIdentifiers(lease.id, lease.identifier ?? '');
        const before = leases.of(lease.id);
        if (before === undefined) return 'unknown' as const;
        if (!from.includes(before.state)) return 'stale' as const;
        leases.update(lease, sealed ?? null);
        log.append(records);
        return 'saved' as const;
      }),
    keepFound: (found, records) =>
      queue.add(() => {
        checkIdentifiers(...found.flatMap(({ lease }) => [lease.id, lease.task]));
        // What an ended task leaves behind is what its closing says, so nothing is added to it.
        const live = found.every(({ lease }) => tasks.stateOf(lease.task) === 'active');
        if (live) for (const { lease, sealed } of found) leases.insert(lease, sealed);
        log.append(records);
        return live ? ('kept' as const) : ('task_ended' as const);
      }),
  };
}
