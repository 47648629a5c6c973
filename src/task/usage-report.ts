import type { LogRecord } from '../core/record.ts';
import type { Task } from '../core/task.ts';
import type { LogStore, TaskStore } from '../store/ports.ts';
import { authorize, type Asker, type AuthorizeParts } from './authorize.ts';
import type { Catalogue } from './grant-form.ts';
import type { Lifecycle } from './lifecycle.ts';
import { proposedProfile, type ProposedProfile } from './proposed-profile.ts';
import { actionUse, usageOf, type ActionUse, type GrantUsage } from './usage.ts';

/** Granted against used, over one task or over those of an agent. */
export type UsageReport = {
  tasks: string[];
  /** Milliseconds since the epoch: nothing before was looked at. */
  since: number;
  /** `false`: there are more tasks or records than were looked at, so what was used is at least this. */
  complete: boolean;
  grants: GrantUsage[];
  /** `null` when nothing was done. */
  proposed: ProposedProfile | null;
};

export interface UsageReports {
  /** @throws NotFound for a task that the asker may not see. */
  ofTask(asker: Asker, id: string): Promise<UsageReport>;
  /** Over tasks of other people, too: decided as `log.read`. @throws Forbidden */
  ofAgent(asker: Asker, agent: string, since: number): Promise<UsageReport>;
}

export type UsageParts = AuthorizeParts & {
  store: Pick<TaskStore, 'tasks'> & Pick<LogStore, 'entries' | 'size'>;
  lifecycle: Pick<Lifecycle, 'show'>;
  catalogue: Pick<Catalogue, 'operations' | 'effectOf'>;
};

const MOST_TASKS = 1_000;
const MOST_RECORDS = 500_000;
/** Records that are read between two places where other work goes on. */
const PAGE = 500;

export function createUsageReports(parts: UsageParts): UsageReports {
  return {
    ofTask: async (asker, id) => {
      const task = await parts.lifecycle.show(asker, id);
      return report([task], task.createdAt, true, parts);
    },
    ofAgent: async (asker, agent, since) => {
      const own = { operation: 'log.read' as const, resources: [`agent:${agent}`], arguments: {} };
      await parts.log.append([await authorize(asker, own, parts)]);
      const tasks = parts.store.tasks({ agent, limit: MOST_TASKS });
      const recent = tasks.filter(({ createdAt }) => createdAt >= since);
      return report(recent, since, recent.length < MOST_TASKS, parts);
    },
  };
}

async function report(tasks: Task[], since: number, all: boolean, parts: UsageParts): Promise<UsageReport> {
  const { uses, complete } = await usesSince(new Set(tasks.map(({ id }) => id)), since, parts);
  return {
    tasks: tasks.map(({ id }) => id),
    since,
    complete: all && complete,
    grants: usageOf(tasks, uses, parts.catalogue),
    proposed: proposedProfile(tasks, uses),
  };
}

/**
 * From the newest record back, so that a report of what is recent does not read a whole log. Records are in the order in which
 * they took effect, and their times nearly so: a page that is older altogether ends it.
 */
async function usesSince(
  tasks: ReadonlySet<string>,
  since: number,
  { store }: UsageParts,
): Promise<{ uses: ActionUse[]; complete: boolean }> {
  const uses: ActionUse[] = [];
  const givenBack = new Set<string>();
  let end = store.size();
  for (let read = 0; end > 0; read += PAGE) {
    if (read >= MOST_RECORDS) return { uses, complete: false };
    const start = Math.max(0, end - PAGE);
    const records = store.entries(start, end - start).map(({ entry }) => JSON.parse(entry) as LogRecord);
    // What became of an action stands behind it.
    for (const record of records.toReversed()) {
      if (record.kind === 'outcome' && record.given_back === true) givenBack.add(record.decision);
      const use = record.kind === 'decision' && !givenBack.has(record.id) ? actionUse(record, tasks) : null;
      if (use !== null) uses.push(use);
    }
    if (records.every(({ time }) => time < since)) break;
    end = start;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { uses, complete: true };
}
