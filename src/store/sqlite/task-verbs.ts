import { countersOf, type Used } from '../../core/budget.ts';
import { Conflict } from '../../core/errors.ts';
import { suspensionOfTask } from '../../core/suspension.ts';
import { hasEnded, mayBecome, type Task } from '../../core/task.ts';
import type { NoRun, Run, Store } from '../ports.ts';
import { admitInTransaction, wasAdmitted, type AdmissionTables } from './admission.ts';
import type { AgentTable } from './agent-table.ts';
import type { AssertionTable } from './assertion-table.ts';
import type { CommitQueue } from './commit-queue.ts';
import { endTree, forgetTree, nothingEnded, type EndTables } from './end-tree.ts';
import { checkIdentifiers } from './identifier.ts';
import { failuresAfter, type RunTable } from './run-table.ts';
import { withTrail } from './trail-verbs.ts';

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

type TaskTables = EndTables & AdmissionTables & { assertions: AssertionTable; agents: AgentTable; runs: RunTable };

/** Why the task may not be the next run, as the open transaction finds it; `null` when it may. */
function noRunOf(run: Run, task: Task, { runs, tasks }: TaskTables, now: number): NoRun | null {
  const last = runs.last(run.profile, task.agent.id);
  if (last === undefined || run.limit === undefined) return null;
  if (tasks.isLive(last.task, now)) return 'run_going_on';
  if (failuresAfter(last, tasks) >= run.limit.stopAfterFailures) return 'runs_stopped';
  // A clock that was set back makes it later, and not sooner.
  return task.createdAt - last.startedAt < run.limit.everyMs ? 'run_too_soon' : null;
}

export function taskVerbs(queue: CommitQueue, tables: TaskTables, clock: () => number): TaskVerbs {
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

/** What a task begins with. */
function unused({ budget }: Task): Used {
  const counters = countersOf(budget).map(({ name }) => [name, 0] as const);
  return counters.length === 0 ? { calls: 0 } : { calls: 0, counters: Object.fromEntries(counters) };
}
