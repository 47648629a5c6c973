import type { TaskView } from '../../core/decision.ts';
import type { TrailStore } from '../ports.ts';
import type { CommitQueue } from './commit-queue.ts';
import { checkIdentifiers } from './identifier.ts';
import type { RecordLog } from './record-log.ts';
import type { TaskTable } from './task-table.ts';
import type { TrailTable } from './trail-table.ts';

type Tables = { log: RecordLog; tasks: TaskTable; trails: TrailTable };

export function trailVerbs(queue: CommitQueue, { log, tasks, trails }: Tables, clock: () => number): TrailStore {
  const rootOf = (task: string) => tasks.chain(task).at(-1)?.task.id;
  return {
    recordOutcome: ({ task, target, operation, succeeded, labels }, records) => {
      const chain = tasks.chain(task).map((level) => level.task.id);
      const root = chain.at(-1);
      const record = decisionOf(records);
      const write = () => {
        checkIdentifiers(task, target, operation, ...labels);
        if (succeeded) trails.succeed(chain, { target, operation });
        if (root !== undefined) trails.addLabels(root, labels, record, clock());
        log.append(records);
      };
      // The one exception to memory coming after the commit: the task's next action, which may be here before it, is decided on
      // what it has read. Were the commit to fail, all of memory is read again.
      if (root !== undefined && tasks.isInMemory(root)) {
        trails.of(root, true);
        trails.settled(root, { id: `${target}:${operation}`, succeeded, labels });
      }
      return labels.length === 0 ? queue.addSoon(write) : queue.add(write);
    },
    labels: (task) => {
      const root = rootOf(task);
      return root === undefined ? [] : trails.labels(root);
    },
    declassify: (task, value, records) =>
      queue.add(() => {
        const root = rootOf(task);
        checkIdentifiers(task, value.value);
        if (root === undefined || !trails.declassify(root, value)) return 'already' as const;
        log.append(records);
        return 'declassified' as const;
      }),
    declassified: (task) => {
      const root = rootOf(task);
      return root === undefined ? [] : trails.declassified(root);
    },
    prompt: (task) => {
      const root = rootOf(task);
      return root === undefined ? undefined : trails.prompt(root);
    },
  };
}

/** The chain, its acting task with what the whole tree has done and touched. */
export function withTrail(chain: TaskView[], { tasks, trails }: Pick<Tables, 'tasks' | 'trails'>): TaskView[] {
  const [acting, ...above] = chain;
  if (acting === undefined) return chain;
  const root = chain.at(-1)!.task.id;
  const { labels, done } = trails.of(root, tasks.isInMemory(root));
  if (labels.length === 0 && Object.keys(done).length === 0) return chain;
  return [{ ...acting, ...(labels.length === 0 ? {} : { labels }), done }, ...above];
}

/** Of the decision whose outcome it is. */
function decisionOf(records: Parameters<TrailStore['recordOutcome']>[1]): string {
  const outcome = records.find((record) => record.kind === 'outcome');
  return outcome?.decision ?? '';
}
