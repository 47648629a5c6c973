import type { DatabaseSync } from 'node:sqlite';
import type { Approval } from '../../core/approval.ts';
import { Conflict } from '../../core/errors.ts';
import { hasEnded, mayBecome } from '../../core/task.ts';
import type { Admission, DefinitionPin, Store } from '../ports.ts';
import { AgentTable } from './agent-table.ts';
import { agentVerbs } from './agent-verbs.ts';
import { ApprovalTable } from './approval-table.ts';
import { CommitQueue } from './commit-queue.ts';
import { openDatabase } from './database.ts';
import { DefinitionTable } from './definition-table.ts';
import { FeedTable } from './feed-table.ts';
import { feedVerbs } from './feed-verbs.ts';
import { checkIdentifiers } from './identifier.ts';
import { policySetVerbs } from './policy-set-verbs.ts';
import { RecordLog } from './record-log.ts';
import { RevokedTokenTable } from './revoked-token-table.ts';
import { TaskTable } from './task-table.ts';

export type SqliteOptions = {
  file: string;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** How many verbs share one transaction at most. */
  maxBatch?: number;
  /** For tests of faults: stands in for `COMMIT`, and may fail before or after it. */
  commit?: (db: DatabaseSync) => void;
};

export type SqliteStore = Store & {
  /** Whether writes are taken. Once not, never again: the process has to be restarted. */
  healthy(): boolean;
};

/**
 * The embedded store: one process, one file. See ports.ts for the contract.
 *
 * @throws InvalidConfig when the file cannot be opened for this process alone.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<SqliteStore> {
  const db = openDatabase(options.file);
  const feed = new FeedTable(db);
  const tables = {
    log: new RecordLog(db, feed),
    tasks: new TaskTable(db),
    approvals: new ApprovalTable(db),
    definitions: new DefinitionTable(db),
    agents: new AgentTable(db),
  };
  const listeners: ((size: number) => void)[] = [];
  let savepoint = tables.log.mark();
  let announced = tables.log.size();
  const queue = new CommitQueue(
    {
      begin: () => db.exec('BEGIN IMMEDIATE'),
      commit: () => (options.commit === undefined ? db.exec('COMMIT') : options.commit(db)),
      rollback: () => {
        if (db.isTransaction) db.exec('ROLLBACK');
      },
      savepoint: () => {
        savepoint = tables.log.mark();
        db.exec('SAVEPOINT verb');
      },
      release: () => db.exec('RELEASE verb'),
      rollbackTo: () => {
        db.exec('ROLLBACK TO verb; RELEASE verb');
        tables.log.rewind(savepoint);
      },
      reload: () => Object.values(tables).forEach((table) => table.reload()),
      committed: () => tables.log.committed(),
      announce: () => {
        const size = tables.log.size();
        if (size > announced) for (const listener of listeners) listener(size);
        announced = size;
      },
    },
    options.maxBatch ?? 512,
  );
  return {
    ...taskVerbs(queue, tables, options.clock),
    ...approvalVerbs(queue, tables, options.clock),
    ...definitionVerbs(queue, tables),
    ...policySetVerbs(db, queue, tables.log),
    ...agentVerbs(queue, tables),
    ...feedVerbs(db, queue, { feed, agents: tables.agents }),
    ...revokedTokenVerbs(queue, tables.log, new RevokedTokenTable(db)),
    append: (records) => queue.add(() => tables.log.append(records)),
    entries: (start, limit) => tables.log.entries(start, limit),
    size: () => tables.log.size(),
    indexOf: (id) => tables.log.indexOf(id),
    onCommit: (listener) => void listeners.push(listener),
    healthy: () => queue.healthy,
    close: async () => {
      queue.close();
      if (db.isOpen) db.close();
    },
  };
}

type Tables = {
  log: RecordLog;
  tasks: TaskTable;
  approvals: ApprovalTable;
  definitions: DefinitionTable;
  agents: AgentTable;
};

type TaskVerbs = Pick<Store, 'createTask' | 'endTask' | 'admit' | 'task' | 'chain' | 'tree' | 'tasks' | 'overdue'>;

function taskVerbs(queue: CommitQueue, { log, tasks, approvals, agents }: Tables, clock: () => number): TaskVerbs {
  return {
    createTask: (task, records, approval = null) =>
      queue.add(
        () => {
          checkIdentifiers(task.id, task.delegator.issuer, task.delegator.subject, task.agent.id, approval ?? '');
          if (agents.isStopped(task.agent.id)) return 'agent_stopped' as const;
          const { parent } = task;
          if (parent !== null && !tasks.isLive(parent, clock())) return 'parent_ended' as const;
          if (approval !== null && !approvals.spend(approval, parent ?? undefined, clock())) {
            return 'approval_spent' as const;
          }
          tasks.insert(task);
          log.append(records);
          return 'created' as const;
        },
        (outcome) => {
          if (outcome !== 'created') return;
          tasks.remember({ task: structuredClone(task), used: { calls: 0 } });
          if (approval !== null) approvals.forget(approval);
        },
      ),
    endTask: (end, records) =>
      queue
        .add(
          () => {
            checkIdentifiers(end.id);
            const state = tasks.stateOf(end.id);
            if (state === undefined) return { outcome: 'unknown' as const };
            if (hasEnded(state)) return { outcome: 'already_ended' as const };
            if (!mayBecome(state, end.to)) throw new Conflict(`a task that is ${state} cannot become ${end.to}`);
            const ended = tasks.endTree(end);
            const closed = ended.flatMap((task) => approvals.close(task.id));
            log.append(records(ended));
            return { outcome: 'ended' as const, tasks: ended, closed };
          },
          (result) => {
            if (result.outcome !== 'ended') return;
            for (const task of result.tasks) tasks.remember({ task, used: { calls: 0 } });
            for (const id of result.closed) approvals.forget(id);
          },
        )
        .then((result) => (result.outcome === 'ended' ? { outcome: 'ended', tasks: result.tasks } : result)),
    admit: (request, records) => {
      const calls = request.counted ? 1 : 0;
      return queue.add(
        () => admitInTransaction(request, calls, records, { log, tasks, approvals }, clock()),
        (admission) => {
          if (!admission.admitted) return;
          for (const id of request.chain) tasks.countTaken(id, calls);
          if (request.approval !== null) approvals.forget(request.approval);
        },
      );
    },
    task: (id) => tasks.view(id)?.task,
    chain: (id) => tasks.chain(id),
    tree: (id, limit) => tasks.tree(id, limit),
    tasks: (filter) => tasks.list(filter),
    overdue: (now) => tasks.overdue(now),
  };
}

/** What was taken is given back when a later check fails, so that "not admitted" leaves no trace. */
function admitInTransaction(
  request: Parameters<Store['admit']>[0],
  calls: number,
  records: Parameters<Store['admit']>[1],
  { log, tasks, approvals }: Pick<Tables, 'log' | 'tasks' | 'approvals'>,
  now: number,
): Admission {
  const taken: string[] = [];
  const undo = (because: Exclude<Admission, { admitted: true }>['because']): Admission => {
    for (const id of taken) tasks.take(id, -calls, now);
    return { admitted: false, because };
  };
  checkIdentifiers(...request.chain, request.approval ?? '');
  for (const [level, id] of request.chain.entries()) {
    const task = tasks.take(id, calls, now);
    if (task === undefined) return undo(tasks.isLive(id, now) ? 'over_budget' : 'task_ended');
    taken.push(id);
    // INVARIANT 3: a chain with a level left out would escape that level's budget and its end.
    if (task.parent !== (request.chain[level + 1] ?? null)) throw new Error('the chain is not that of its task');
  }
  if (request.approval !== null && !approvals.spend(request.approval, request.chain[0], now)) {
    return undo('approval_spent');
  }
  log.append(records);
  return { admitted: true };
}

type ApprovalVerbs = Pick<Store, 'requestApproval' | 'answerApproval' | 'givenApproval' | 'approval' | 'approvals'>;

function approvalVerbs(queue: CommitQueue, { log, tasks, approvals }: Tables, clock: () => number): ApprovalVerbs {
  return {
    requestApproval: (request, records) =>
      queue.add(
        () => {
          const waiting = approvals.waitingFor(request.task, request.digest, clock());
          // A request for a task that has just ended is kept as closed: it can never be answered.
          checkIdentifiers(request.id, request.task, request.digest);
          const live = tasks.isLive(request.task, clock());
          const kept: Approval = waiting ?? { ...request, state: live ? 'pending' : 'closed' };
          if (waiting === undefined) approvals.insert(kept);
          log.append(records(kept));
          return kept;
        },
        (kept) => approvals.remember(kept),
      ),
    answerApproval: (answer, records) =>
      queue.add(
        () => {
          checkIdentifiers(answer.id);
          const approval = approvals.stored(answer.id);
          if (approval === undefined) return 'unknown' as const;
          const now = Math.max(answer.at, clock());
          if (approval.state === 'closed' || !tasks.isLive(approval.task, now)) return 'task_ended' as const;
          if (approval.state !== 'pending') return 'already_answered' as const;
          if (!approvals.answer(answer, now)) return 'expired' as const;
          log.append(records);
          return 'answered' as const;
        },
        (outcome) => {
          if (outcome === 'answered') approvals.remember(approvals.stored(answer.id)!);
        },
      ),
    givenApproval: (task, digest, now) => approvals.given(task, digest, now),
    approval: (id) => approvals.get(id),
    approvals: (filter) => approvals.list(filter),
  };
}

type DefinitionVerbs = Pick<Store, 'definition' | 'definitions' | 'observeDefinition' | 'acceptDefinition'>;

function definitionVerbs(queue: CommitQueue, { log, definitions }: Tables): DefinitionVerbs {
  const remembered = (result: { pin?: DefinitionPin }) => {
    if (result.pin !== undefined) definitions.remember(result.pin);
  };
  return {
    definition: (target, operation) => definitions.get(target, operation),
    definitions: (target) => definitions.ofTarget(target),
    observeDefinition: (seen, records) =>
      queue
        .add(() => {
          const { target, operation, digest, definition } = seen;
          checkIdentifiers(target, operation, digest);
          const known = definitions.stored(target, operation);
          if (known?.digest === digest) return { verdict: 'unchanged' as const };
          const verdict = known === undefined ? ('pinned' as const) : ('changed' as const);
          if (known?.quarantined?.digest === digest) return { verdict };
          const pin: DefinitionPin =
            known === undefined
              ? { target, operation, digest, definition }
              : { ...known, quarantined: { digest, definition } };
          definitions.write(pin);
          log.append(records(verdict));
          return { verdict, pin };
        }, remembered)
        .then(({ verdict }) => verdict),
    acceptDefinition: (accepted, records) =>
      queue
        .add(() => {
          const known = definitions.stored(accepted.target, accepted.operation);
          if (known?.quarantined === undefined) return { outcome: 'not_quarantined' as const };
          if (known.quarantined.digest !== accepted.digest) return { outcome: 'other_digest' as const };
          const pin: DefinitionPin = { target: known.target, operation: known.operation, ...known.quarantined };
          definitions.write(pin);
          log.append(records);
          return { outcome: 'accepted' as const, pin };
        }, remembered)
        .then(({ outcome }) => outcome),
  };
}

function revokedTokenVerbs(
  queue: CommitQueue,
  log: RecordLog,
  revoked: RevokedTokenTable,
): Pick<Store, 'revokeToken' | 'isTokenRevoked'> {
  return {
    revokeToken: ({ id, at, keepUntil }, records) =>
      queue.add(() => {
        checkIdentifiers(id);
        revoked.purge(at);
        if (!revoked.insert(id, keepUntil)) return 'already_revoked' as const;
        log.append(records);
        return 'revoked' as const;
      }),
    isTokenRevoked: (id) => revoked.has(id),
  };
}
