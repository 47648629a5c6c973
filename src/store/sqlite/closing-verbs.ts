import type { ClosingStore } from '../ports.ts';
import type { ClosingTable } from './closing-table.ts';
import type { CommitQueue } from './commit-queue.ts';
import { checkIdentifiers } from './identifier.ts';
import type { RecordLog } from './record-log.ts';

export function closingVerbs(queue: CommitQueue, log: RecordLog, closings: ClosingTable): ClosingStore {
  return {
    closing: (task) => closings.of(task),
    closingsDue: (now, limit) => closings.due(now, limit),
    saveClosing: (closing, records) =>
      queue.add(() => {
        checkIdentifiers(closing.task);
        const before = closings.of(closing.task);
        if (before === undefined) return 'unknown' as const;
        if (before.attempts >= closing.attempts) return 'stale' as const;
        closings.save(closing);
        log.append(records);
        return 'saved' as const;
      }),
  };
}
