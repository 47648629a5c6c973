import type { DatabaseSync } from 'node:sqlite';
import type { TaskView } from '../../core/decision.ts';
import type { Store } from '../ports.ts';
import { acceptDefinition } from './accept-definition.ts';
import { admit } from './admit.ts';
import { answerApproval } from './answer-approval.ts';
import { asOf } from './approval-row.ts';
import { CommitQueue, type StoreLog } from './commit-queue.ts';
import { createTask } from './create-task.ts';
import { openDatabaseFile } from './database-file.ts';
import { endTask } from './end-task.ts';
import { migrate, readMigrations, type Migration } from './migrate.ts';
import { observeDefinition } from './observe-definition.ts';
import { keepPolicySet, readPolicySet } from './policy-sets.ts';
import { readApprovals } from './read-approvals.ts';
import { readLog } from './read-log.ts';
import { readTasks } from './read-tasks.ts';
import { requestApproval } from './request-approval.ts';
import { openError } from './sqlite-error.ts';

export type SqliteOptions = {
  /** Path of the database; missing folders are made, for the owner alone. */
  file: string;
  /** Milliseconds since the epoch. */
  clock: () => number;
  log?: StoreLog;
  /** The most verbs that share one COMMIT. */
  maxBatch?: number;
  /** For fault tests only: what makes the open transaction durable. */
  commit?: (db: DatabaseSync) => void;
  /** For tests only: other migrations than the program's own. */
  migrations?: readonly Migration[];
};

export type SqliteStore = Store;

const SILENT: StoreLog = { warn: () => undefined, error: () => undefined };

/**
 * Opens the store on an embedded SQLite database, for this process alone.
 *
 * @throws Unavailable when another process has it open, or its disk is full.
 * @throws InvalidConfig when the file cannot be used, or was written by a newer version.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<SqliteStore> {
  const db = openDatabaseFile(options.file);
  try {
    migrate(db, options.migrations ?? readMigrations(), options.clock());
    const queue = new CommitQueue({
      db,
      clock: options.clock,
      log: options.log ?? SILENT,
      maxBatch: options.maxBatch ?? 256,
      commit: options.commit ?? ((open) => open.exec('COMMIT')),
    });
    return sqliteStore(db, queue, options.clock);
  } catch (error) {
    db.close();
    throw openError(error, options.file);
  }
}

function sqliteStore(db: DatabaseSync, queue: CommitQueue, clock: () => number): Store {
  const verbs = {
    createTask: createTask(db),
    endTask: endTask(db),
    admit: admit(db),
    requestApproval: requestApproval(db),
    answerApproval: answerApproval(db),
    observeDefinition: observeDefinition(db),
    acceptDefinition: acceptDefinition(db),
    keepPolicySet: keepPolicySet(db),
  };
  const reads = { tasks: readTasks(db), approvals: readApprovals(db), policySet: readPolicySet(db), log: readLog(db) };

  /** For what memory does not hold. */
  function stored<Read>(read: Read): Read {
    queue.checkReadable();
    return read;
  }
  const taskView = (id: string): TaskView | undefined => queue.view.task(id) ?? stored(reads.tasks).one(id);

  return {
    createTask: (task, records) => queue.enqueue(verbs.createTask(task, records)),
    endTask: (end, records) => queue.enqueue(verbs.endTask(end, records)),
    admit: (request, records) => queue.enqueue(verbs.admit(request, records)),
    task: (id) => taskView(id)?.task,
    chain(id) {
      const chain: TaskView[] = [];
      for (let next: string | null = id; next !== null;) {
        const level = taskView(next);
        if (level === undefined) break;
        chain.push({ task: level.task, used: { ...level.used } });
        next = level.task.parent;
      }
      return chain;
    },
    tasks: (filter) => stored(reads.tasks).list(filter),
    overdue: (now) => stored(reads.tasks).overdue(now),

    requestApproval: (approval, records) => queue.enqueue(verbs.requestApproval(approval, records)),
    answerApproval: (answer, records) => queue.enqueue(verbs.answerApproval(answer, records)),
    givenApproval(task, digest, now) {
      const open = queue.view.openApproval(task, digest);
      return open?.state === 'approved' && open.expiresAt > now ? open : undefined;
    },
    approval(id) {
      const approval = queue.view.approval(id) ?? stored(reads.approvals).one(id);
      return approval && asOf(approval, clock());
    },
    approvals: (filter) => stored(reads.approvals).list(filter, clock()),

    definition: (target, operation) => queue.view.definition(target, operation),
    definitions: (target) => queue.view.definitions(target),
    observeDefinition: (seen, records) => queue.enqueue(verbs.observeDefinition(seen, records)),
    acceptDefinition: (accepted, records) => queue.enqueue(verbs.acceptDefinition(accepted, records)),

    keepPolicySet: (hash, files, records) => queue.enqueue(verbs.keepPolicySet(hash, files, records)),
    policySet: (hash) => stored(reads.policySet)(hash),

    append: (records) => queue.enqueue((tx) => tx.append(records)),
    entries: (start, limit) => stored(reads.log).entries(start, limit),
    size: () => queue.view.logSize,
    indexOf: (recordId) => stored(reads.log).indexOf(recordId),
    onCommit: (listener) => queue.onCommit(listener),

    async close() {
      queue.close();
      if (db.isOpen) db.close();
    },
  };
}
