import { Conflict, Forbidden, NotFound } from '../core/errors.ts';
import type { TrailStore, TaskStore } from '../store/ports.ts';
import { authorize, type Asker, type AuthorizeParts } from '../task/authorize.ts';
import { isParty, unknownTask } from '../task/party.ts';
import type { LogRecord } from '../core/record.ts';
import { explainLabels, type LabelsExplanation } from './explain-labels.ts';
import type { TaskSources } from './task-sources.ts';
import type { KeptLabel, Declassified } from '../store/ports.ts';

export type LabelParts = AuthorizeParts & {
  store: TrailStore & TaskStore;
  sources: Pick<TaskSources, 'declassified'>;
};

/** What people ask of labels, and the one thing that they may change. Each is decided and recorded. */
export interface Labels {
  /** @throws NotFound for a task that is none, or is nothing to the asker. */
  show(asker: Asker, task: string): Promise<{ labels: KeptLabel[]; declassified: Declassified[] }>;
  /** @throws Forbidden; NotFound for a record that is no decision. */
  explain(asker: Asker, record: string): Promise<LabelsExplanation>;
  /**
   * A person answers for one value: from here on it is trusted in the tree of the task, as it is. No label goes.
   *
   * @throws Forbidden, for an agent whatever policy says; NotFound; Conflict when somebody has answered for it.
   */
  declassify(asker: Asker, asked: { task: string; value: string; reason: string }): Promise<Declassified>;
}

export function createLabels(parts: LabelParts): Labels {
  const { store, log } = parts;
  const chainOf = (asker: Asker, id: string) => {
    const chain = store.chain(id);
    if (chain.length === 0) throw unknownTask(id);
    return { chain, own: isParty(asker, chain[0]!.task) };
  };
  return {
    show: async (asker, id) => {
      const { chain, own } = chainOf(asker, id);
      if (!own && asker.agent !== null) throw unknownTask(id);
      const asked = { operation: 'task.read' as const, resources: [`task:${id}`], chain, arguments: {} };
      const record = await authorize(asker, asked, parts).catch((error: unknown) => {
        throw !own && error instanceof Forbidden ? unknownTask(id) : error;
      });
      await log.append([record]);
      return { labels: store.labels(id), declassified: store.declassified(id) };
    },
    explain: async (asker, id) => {
      const asked = { operation: 'log.read' as const, resources: [`record:${id}`], arguments: {} };
      await log.append([await authorize(asker, asked, parts)]);
      const record = recordOf(id);
      if (record?.kind !== 'decision') throw new NotFound(`there is no decision \`${id}\`; see \`remit log show\``);
      return explainLabels(record, recordOf);
    },
    declassify: async (asker, { task, value, reason }) => {
      if (asker.agent !== null || asker.delegator === null) throw new Forbidden('only a person can answer for a value');
      const { chain, own } = chainOf(asker, task);
      const asked = {
        operation: 'label.declassify' as const,
        resources: [`task:${task}`],
        chain,
        arguments: { value, reason },
      };
      const record = await authorize(asker, asked, parts).catch((error: unknown) => {
        throw !own && error instanceof Forbidden ? unknownTask(task) : error;
      });
      const made = { value, record: record.id, at: parts.clock() };
      if ((await store.declassify(task, made, [record])) === 'already') {
        throw new Conflict('somebody has answered for this value already');
      }
      parts.sources.declassified(chain, value, record.id);
      return made;
    },
  };

  function recordOf(id: string): LogRecord | undefined {
    const index = log.indexOf(id);
    const found = index === undefined ? undefined : log.entries(index, 1)[0];
    return found === undefined ? undefined : (JSON.parse(found.entry) as LogRecord);
  }
}
