import type { DatabaseSync } from 'node:sqlite';
import type { Store } from '../ports.ts';
import { AgentTable } from './agent-table.ts';
import { agentVerbs } from './agent-verbs.ts';
import { ActionTable } from './action-table.ts';
import { ApprovalTable } from './approval-table.ts';
import { approvalVerbs } from './approval-verbs.ts';
import { AssertionTable } from './assertion-table.ts';
import { ClosingTable } from './closing-table.ts';
import { closingVerbs } from './closing-verbs.ts';
import { CommitQueue } from './commit-queue.ts';
import { openDatabase } from './database.ts';
import { DefinitionTable } from './definition-table.ts';
import { definitionVerbs } from './definition-verbs.ts';
import { FeedTable } from './feed-table.ts';
import { feedVerbs } from './feed-verbs.ts';
import { DeliveryTable } from './delivery-table.ts';
import { IssuedTokenTable } from './issued-token-table.ts';
import { LeaseTable } from './lease-table.ts';
import { leaseVerbs } from './lease-verbs.ts';
import { policySetVerbs } from './policy-set-verbs.ts';
import { processVerbs } from './process-verbs.ts';
import { RecordLog } from './record-log.ts';
import { RevokedTokenTable } from './revoked-token-table.ts';
import { revokedTokenVerbs } from './revoked-token-verbs.ts';
import { sealedVerbs } from './sealed-verbs.ts';
import { RunTable } from './run-table.ts';
import { StandingTable } from './standing-table.ts';
import { SuspensionTable } from './suspension-table.ts';
import { suspensionVerbs } from './suspension-verbs.ts';
import { TaskTable } from './task-table.ts';
import { taskVerbs } from './task-verbs.ts';
import { TrailTable } from './trail-table.ts';
import { trailVerbs } from './trail-verbs.ts';
import { openWal } from './wal.ts';
import { webhookVerbs } from './webhook-verbs.ts';

export type SqliteOptions = {
  file: string;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** How many verbs share one transaction at most. */
  maxBatch?: number;
  /** For tests of faults: stands in for `COMMIT`, and may fail before or after it. */
  commit?: (db: DatabaseSync) => void;
  /** For tests of faults: stands in for making a commit durable. */
  sync?: () => Promise<void>;
};

/**
 * The embedded store: one process, one file. See ports.ts for the contract.
 *
 * @throws InvalidConfig when the file cannot be opened for this process alone.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const db = openDatabase(options.file);
  const wal = openWal(options.file);
  const feed = new FeedTable(db);
  const tables = {
    log: new RecordLog(db, feed),
    tasks: new TaskTable(db),
    assertions: new AssertionTable(db),
    approvals: new ApprovalTable(db),
    standing: new StandingTable(db),
    definitions: new DefinitionTable(db),
    suspensions: new SuspensionTable(db),
    agents: new AgentTable(db),
    trails: new TrailTable(db),
  };
  const actions = new ActionTable(db);
  const runs = new RunTable(db);
  // Each of these runs with every verb: they are parsed once.
  const statements = {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    savepoint: db.prepare('SAVEPOINT verb'),
    release: db.prepare('RELEASE verb'),
  };
  const listeners: ((size: number) => void)[] = [];
  let savepoint = tables.log.mark();
  let announced = tables.log.size();
  const queue = new CommitQueue(
    {
      begin: () => void statements.begin.run(),
      commit: () => (options.commit === undefined ? void statements.commit.run() : options.commit(db)),
      rollback: () => {
        if (db.isTransaction) db.exec('ROLLBACK');
      },
      savepoint: () => {
        savepoint = tables.log.mark();
        statements.savepoint.run();
      },
      release: () => void statements.release.run(),
      rollbackTo: () => {
        db.exec('ROLLBACK TO verb; RELEASE verb');
        tables.log.rewind(savepoint);
      },
      reload: () => Object.values(tables).forEach((table) => table.reload()),
      sync: options.sync ?? (() => wal.sync()),
      announce: () => {
        tables.log.durable();
        const size = tables.log.size();
        if (size > announced) for (const listener of listeners) listener(size);
        announced = size;
      },
    },
    options.maxBatch ?? 512,
  );
  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    await queue.close();
    wal.close();
    if (db.isOpen) db.close();
  }
  const tokens = new IssuedTokenTable(db);
  const processes = processVerbs(db, queue);
  const leases = new LeaseTable(db);
  const ending = { ...tables, tokens, closings: new ClosingTable(db), processes, leases };
  return {
    ...taskVerbs(queue, { ...ending, actions, runs }, options.clock),
    ...trailVerbs(queue, tables, options.clock),
    ...closingVerbs(queue, tables.log, ending.closings),
    ...suspensionVerbs(queue, ending),
    ...leaseVerbs(queue, ending),
    ...processes,
    lastRun: (profile, agent) => runs.last(profile, agent),
    assertedTask: (assertion) => tables.assertions.find(assertion),
    ...approvalVerbs(queue, tables, options.clock),
    ...webhookVerbs(queue, new DeliveryTable(db)),
    ...definitionVerbs(queue, tables),
    ...policySetVerbs(db, queue, tables, options.clock),
    ...agentVerbs(queue, ending),
    ...feedVerbs(db, queue, { feed, agents: tables.agents, suspensions: tables.suspensions }),
    ...revokedTokenVerbs(queue, tables.log, { revoked: new RevokedTokenTable(db), tokens }),
    ...sealedVerbs(db, queue, tables.log),
    append: (records) => queue.add(() => tables.log.append(records)),
    appendSoon: (records) => queue.addSoon(() => tables.log.append(records)),
    entries: (start, limit) => tables.log.entries(start, limit),
    size: () => tables.log.size(),
    indexOf: (id) => tables.log.indexOf(id),
    onCommit: (listener) => void listeners.push(listener),
    healthy: () => queue.healthy,
    close: () => (closed ??= close()),
  };
}
