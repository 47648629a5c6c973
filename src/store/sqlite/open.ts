import type { DatabaseSync } from 'node:sqlite';
import { countersOf, type Draw, type Used } from '../../core/budget.ts';
import { Conflict } from '../../core/errors.ts';
import { suspensionOfTask } from '../../core/suspension.ts';
import { hasEnded, mayBecome, type Task } from '../../core/task.ts';
import type { Admission, AdmissionRequest, DefinitionPin, NoRun, Records, Run, Store, WebhookStore } from '../ports.ts';
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
import { FeedTable } from './feed-table.ts';
import { feedVerbs } from './feed-verbs.ts';
import { DeliveryTable } from './delivery-table.ts';
import { endTree, forgetTree, nothingEnded, type EndTables } from './end-tree.ts';
import { checkIdentifiers } from './identifier.ts';
import { IssuedTokenTable } from './issued-token-table.ts';
import { LeaseTable } from './lease-table.ts';
import { leaseVerbs } from './lease-verbs.ts';
import { policySetVerbs } from './policy-set-verbs.ts';
import { processVerbs } from './process-verbs.ts';
import { RecordLog } from './record-log.ts';
import { RevokedTokenTable } from './revoked-token-table.ts';
import { sealedVerbs } from './sealed-verbs.ts';
import { failuresAfter, RunTable } from './run-table.ts';
import { StandingTable } from './standing-table.ts';
import { SuspensionTable } from './suspension-table.ts';
import { suspensionVerbs } from './suspension-verbs.ts';
import { TaskTable } from './task-table.ts';
import { TrailTable } from './trail-table.ts';
import { trailVerbs, withTrail } from './trail-verbs.ts';
import { openWal } from './wal.ts';

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

type Tables = {
  log: RecordLog;
  tasks: TaskTable;
  assertions: AssertionTable;
  approvals: ApprovalTable;
  standing: StandingTable;
  definitions: DefinitionTable;
  agents: AgentTable;
  trails: TrailTable;
};

type TaskVerbs = Pick<
  Store,
  | 'createTask'
  | 'endTask'
  | 'admit'
  | 'admitInOrder'
  | 'giveBack'
  | 'task'
  | 'chain'
  | 'tree'
  | 'pastActions'
  | 'tasks'
  | 'overdue'
  | 'unused'
  | 'live'
>;

type TaskTables = Tables & EndTables & { actions: ActionTable; runs: RunTable; suspensions: SuspensionTable };

/** Why the task may not be the next run, as the open transaction finds it; `null` when it may. */
function noRunOf(run: Run, task: Task, { runs, tasks }: TaskTables, now: number): NoRun | null {
  const last = runs.last(run.profile, task.agent.id);
  if (last === undefined || run.limit === undefined) return null;
  if (tasks.isLive(last.task, now)) return 'run_going_on';
  if (failuresAfter(last, tasks) >= run.limit.stopAfterFailures) return 'runs_stopped';
  // A clock that was set back makes it later, and not sooner.
  return task.createdAt - last.startedAt < run.limit.everyMs ? 'run_too_soon' : null;
}

function taskVerbs(queue: CommitQueue, tables: TaskTables, clock: () => number): TaskVerbs {
  const { log, tasks, assertions, approvals, agents, actions, trails } = tables;
  return {
    createTask: (task, records, approval = null, { assertion, run, prompt } = {}) =>
      queue.add(
        () => {
          checkIdentifiers(task.id, task.delegator.issuer, task.delegator.subject, task.agent.id, approval ?? '');
          if (agents.isStopped(task.agent.id)) return 'agent_stopped' as const;
          const { parent } = task;
          if (suspensionOfTask(task, tables.suspensions.stored) !== undefined) return 'suspended' as const;
          if (parent !== null && !tasks.isLive(parent, clock())) return 'parent_ended' as const;
          if (assertion !== undefined && assertions.find(assertion) !== undefined) return 'assertion_used' as const;
          const noRun = run === undefined ? null : noRunOf(run, task, tables, clock());
          if (noRun !== null) return noRun;
          if (approval !== null && !approvals.spend(approval, parent, clock())) {
            return 'approval_spent' as const;
          }
          tasks.insert(task);
          if (run !== undefined) tables.runs.start(run, task, tables.tasks);
          if (assertion !== undefined) assertions.insert(assertion, task.id);
          if (prompt !== undefined) trails.addPrompt(task.id, prompt);
          if (parent !== null) tasks.touch(parent, clock());
          log.append(records);
          return 'created' as const;
        },
        (outcome) => {
          if (outcome !== 'created') return;
          tasks.remember({ task: structuredClone(task), used: unused(task) });
          if (task.parent !== null) tasks.wasUsed(task.parent, clock());
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
            if (end.unusedSince !== undefined && tasks.isUsedAfter(end.id, end.unusedSince)) {
              return { outcome: 'in_use' as const };
            }
            const ended = nothingEnded();
            endTree(end, ended, tables);
            log.append(records(ended.tasks));
            return { outcome: 'ended' as const, ended };
          },
          (result) => {
            if (result.outcome === 'ended') forgetTree(result.ended, tables);
          },
        )
        .then((result) => (result.outcome === 'ended' ? { outcome: 'ended', tasks: result.ended.tasks } : result)),
    admit: (request, records) =>
      queue.add(
        () => admitInTransaction(request, records, tables, clock()),
        ({ admitted }) => {
          if (admitted) wasAdmitted(request, records, tables, clock());
        },
      ),
    admitInOrder: (entries) =>
      queue.add(
        () => {
          for (const [place, { request, records }] of entries.entries()) {
            if (request === undefined) log.append(records);
            else if (!admitInTransaction(request, records, tables, clock()).admitted) return place;
          }
          return entries.length;
        },
        (count) => {
          for (const { request, records } of entries.slice(0, count)) {
            if (request !== undefined) wasAdmitted(request, records, tables, clock());
          }
        },
      ),
    giveBack: (taken, records) =>
      queue.add(
        () => {
          checkIdentifiers(...taken.chain);
          tasks.giveBack(taken);
          log.append(records);
        },
        () => tasks.countTaken(taken, -1),
      ),
    task: (id) => tasks.view(id)?.task,
    chain: (id) => withTrail(tasks.chain(id), { tasks, trails }),
    tree: (id, limit) => tasks.tree(id, limit),
    pastActions: (task, limit) => actions.of(task, limit),
    tasks: (filter) => tasks.list(filter),
    overdue: (now) => tasks.overdue(now),
    unused: (since) => tasks.unused(since),
    live: () => tasks.live(),
  };
}

/** What was taken is given back when a later check fails, so that "not admitted" leaves no trace. */
function admitInTransaction(
  request: AdmissionRequest,
  records: Records,
  { log, tasks, approvals, standing, tokens, suspensions, actions, trails, leases }: TaskTables,
  now: number,
): Admission {
  const { counted, draws = [] } = request;
  const calls = counted ? 1 : 0;
  const taken = { chain: [] as string[], counted, draws: [] as Draw[] };
  const undo = (because: Exclude<Admission, { admitted: true }>['because']): Admission => {
    tasks.giveBack(taken);
    return { admitted: false, because };
  };
  checkIdentifiers(...request.chain, request.approval ?? '', request.token?.id ?? '');
  // A target that is cut off ends only the tasks that have no other, so the gate asks for it by itself.
  if (request.target !== undefined && suspensions.stored('target', request.target) !== undefined) {
    return { admitted: false, because: 'suspended' };
  }
  for (const [level, id] of request.chain.entries()) {
    const task = tasks.take(id, calls, now);
    if (task === undefined) return undo(tasks.isLive(id, now) ? 'over_budget' : 'task_ended');
    taken.chain.push(id);
    // INVARIANT 3: a chain with a level left out would escape that level's budget and its end.
    if (task.parent !== (request.chain[level + 1] ?? null)) throw new Error('the chain is not that of its task');
  }
  for (const draw of draws) {
    if (!request.chain.includes(draw.task)) throw new Error('an action draws on a task that is not of its chain');
    if (!tasks.takeFrom(draw)) return undo('over_budget');
    taken.draws.push(draw);
  }
  if (request.uses?.some((id) => leases.of(id)?.state !== 'held') === true) return undo('lease_ended');
  const { approval } = request;
  const spender = approval?.startsWith(STANDING) === true ? standing : approvals;
  if (approval !== null && !spender.spend(approval, request.chain[0] ?? null, now)) return undo('approval_spent');
  for (const id of request.chain) tasks.touch(id, now);
  if (request.token !== undefined) tokens.insert(request.token, request.chain[0]!, now);
  if (request.lease !== undefined) leases.insert(request.lease, null);
  if (request.counted) actions.count(request.chain, records);
  const root = request.chain.at(-1);
  if (root !== undefined && request.labels !== undefined) {
    trails.addLabels(root, request.labels, records[0]?.id ?? '', now);
  }
  log.append(records);
  return { admitted: true };
}

/** Memory's part of an admission. */
function wasAdmitted(
  request: AdmissionRequest,
  records: Records,
  { tasks, trails, approvals, standing }: TaskTables,
  now: number,
): void {
  tasks.countTaken(request, 1);
  const root = request.chain.at(-1);
  if (root !== undefined && request.counted) trails.grown(root, { labels: request.labels, records });
  for (const id of request.chain) tasks.wasUsed(id, now);
  if (request.approval !== null) forgetSpent(request.approval, { approvals, standing });
}

/** What a task begins with. */
function unused({ budget }: Task): Used {
  const counters = countersOf(budget).map(({ name }) => [name, 0] as const);
  return counters.length === 0 ? { calls: 0 } : { calls: 0, counters: Object.fromEntries(counters) };
}

const STANDING = 'sta_';

/** What has been spent for good leaves the memory; a standing answer that can be used again stays there with what is left. */
function forgetSpent(id: string, { approvals, standing }: Pick<Tables, 'approvals' | 'standing'>): void {
  if (!id.startsWith(STANDING)) return approvals.forget(id);
  const left = standing.get(id);
  if (left !== undefined) standing.remember(left);
}

function webhookVerbs(queue: CommitQueue, deliveries: DeliveryTable): WebhookStore {
  return {
    dueDeliveries: (endpoint, now, limit) => deliveries.due(endpoint, now, limit),
    settleDelivery: (delivery) =>
      queue.add(() => {
        checkIdentifiers(delivery.endpoint, delivery.approval);
        deliveries.settle(delivery);
      }),
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
  { revoked, tokens }: { revoked: RevokedTokenTable; tokens: IssuedTokenTable },
): Pick<Store, 'revokeToken' | 'isTokenRevoked' | 'tokensOf' | 'revokeTokensOf'> {
  return {
    revokeToken: ({ id, at, keepUntil }, records) =>
      queue.add(() => {
        checkIdentifiers(id);
        revoked.purge(at);
        if (!revoked.insert(id, keepUntil)) return 'already_revoked' as const;
        tokens.delete(id);
        log.append(records);
        return 'revoked' as const;
      }),
    isTokenRevoked: (id) => revoked.has(id),
    tokensOf: (task, now) => (task.isWellFormed() ? tokens.ofTask(task, now).map(({ id }) => id) : []),
    revokeTokensOf: (task, at, keepMs) =>
      queue.add(() => {
        checkIdentifiers(task);
        const issued = tokens.ofTask(task, at);
        for (const { id, expiresAt } of issued) {
          revoked.insert(id, expiresAt + keepMs);
          tokens.delete(id);
        }
        return issued.map(({ id }) => id);
      }),
  };
}
