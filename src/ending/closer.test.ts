import { beforeEach, describe, expect, test } from 'vitest';
import { openClosing, type Closing } from '../core/closing.ts';
import type { LogRecord } from '../core/record.ts';
import type { Task } from '../core/task.ts';
import type { ClosingStore } from '../store/ports.ts';
import { createCloser, type Closer } from './closer.ts';
import type { Ending } from './ending.ts';
import type { FailPointName } from './fail-point.ts';

const TASK = { id: 'task_1' } as Task;

let kept: Map<string, Closing>;
let records: LogRecord[];
let problems: string[];
let passed: FailPointName[];
let now: number;
let failing: boolean;
/** What the task has, by kind. */
let has: Record<string, string[]>;

beforeEach(() => {
  kept = new Map();
  records = [];
  problems = [];
  passed = [];
  now = 1_000;
  failing = false;
  has = {};
});

const store: ClosingStore = {
  closing: (task) => kept.get(task),
  closingsDue: (at, limit) =>
    [...kept.values()].filter(({ nextAt }) => nextAt !== null && nextAt <= at).slice(0, limit),
  saveClosing: async (closing, made) => {
    if (failing) throw new Error('a full disk');
    kept.set(closing.task, closing);
    records.push(...made);
    return 'saved';
  },
};

function closerOf(endings: Ending[]): Closer {
  let ids = 0;
  return createCloser({
    store,
    endings,
    clock: () => now,
    newId: (prefix) => `${prefix}_${++ids}`,
    failPoint: (name) => void passed.push(name),
    onProblem: (_error, about) => void problems.push(about),
  });
}

/** Ends all of a kind that it has, unless `end` does otherwise. */
function ending(kind: Ending['kind'], end?: Ending['end']): Ending {
  return {
    kind,
    end: end ?? (() => (has[kind] ?? []).splice(0)),
    outstanding: () => has[kind] ?? [],
  };
}

function open(outstanding: Record<string, string[]> = {}): void {
  kept.set(
    'task_1',
    openClosing({ task: 'task_1', cause: 'revoked', reason: 'stop', by: 'alice', at: now }, { ended: {}, outstanding }),
  );
}

const subjects = () => records.map((record) => (record.kind === 'event' ? record.subject : {}));

test('every kind is ended, what is in the process before anything is waited for, and one record says so', async () => {
  open();
  has = { calls: ['req_1'], tokens: ['tok_1'] };
  const closer = closerOf([ending('calls'), ending('tokens')]);
  closer.ended([TASK], 'stop');
  expect(has['calls']).toEqual([]);
  await closer.settled();
  expect(subjects()).toEqual([
    {
      task: 'task_1',
      cause: 'revoked',
      reason: 'stop',
      by: 'alice',
      ended_at: 1_000,
      attempt: 1,
      complete: true,
      ended: { calls: { count: 1, ids: ['req_1'] }, tokens: { count: 1, ids: ['tok_1'] } },
      outstanding: {},
    },
  ]);
  expect(passed).toEqual(['closing.calls', 'closing.tokens', 'closing.tried', 'closing.saved']);
  closer.sweep();
  await closer.settled();
  expect(records).toHaveLength(1);
});

describe('what does not end', () => {
  test('is outstanding, is tried again when its time has come, and each change is a record', async () => {
    open({ tokens: ['tok_1', 'tok_2'] });
    has = { tokens: ['tok_1', 'tok_2'] };
    let working = false;
    const closer = closerOf([
      ending('tokens', () => {
        if (!working) throw new Error('not now');
        return has['tokens']!.splice(0, 1);
      }),
    ]);
    closer.ended([TASK], 'stop');
    await closer.settled();
    expect(problems).toEqual(['tokens of `task_1` are not ended']);
    closer.sweep();
    await closer.settled();
    expect(problems).toHaveLength(1);
    for (let sweeps = 0; sweeps < 3; sweeps++) {
      now += 5_000;
      closer.sweep();
      await closer.settled();
      working = true;
    }
    expect(subjects().map((subject) => [subject['attempt'], subject['complete'], subject['outstanding']])).toEqual([
      [1, false, { tokens: { count: 2, ids: ['tok_1', 'tok_2'] } }],
      [3, false, { tokens: { count: 1, ids: ['tok_2'] } }],
      [4, true, {}],
    ]);
  });

  test('keeps nothing else from ending', async () => {
    open();
    has = { calls: ['req_1'], streams: ['req_2'], tokens: ['tok_1'] };
    const never = Promise.withResolvers<string[]>();
    const closer = closerOf([
      ending('calls', () => {
        throw new Error('at once');
      }),
      ending('streams', () => Promise.reject(new Error('later'))),
      ending('processes', () => never.promise),
      ending('tokens'),
    ]);
    closer.ended([TASK], 'stop');
    expect(has['tokens']).toEqual([]);
    never.resolve([]);
    await closer.settled();
    expect(subjects()).toMatchObject([
      {
        ended: { tokens: { ids: ['tok_1'] } },
        outstanding: { calls: { ids: ['req_1'] }, streams: { ids: ['req_2'] } },
      },
    ]);
  });
});

test('a closing that cannot be kept loses nothing: the next sweep says what was ended before', async () => {
  open();
  has = { calls: ['req_1'] };
  const closer = closerOf([ending('calls')]);
  failing = true;
  closer.ended([TASK], 'stop');
  await closer.settled();
  expect(problems).toEqual(['the closing of `task_1` is not kept']);
  expect(kept.get('task_1')?.attempts).toBe(0);
  failing = false;
  closer.sweep();
  await closer.settled();
  expect(subjects()).toMatchObject([{ complete: true, ended: { calls: { ids: ['req_1'] } } }]);
});

test('what a process that died has left is taken up by the sweep of the next, and counts as ended', async () => {
  open({ processes: ['files:7'], tokens: ['tok_1'] });
  has = { tokens: ['tok_1'] };
  const closer = closerOf([ending('processes'), ending('tokens')]);
  closer.sweep();
  closer.sweep();
  await closer.settled();
  expect(subjects()).toMatchObject([
    { complete: true, ended: { processes: { ids: ['files:7'] }, tokens: { ids: ['tok_1'] } }, outstanding: {} },
  ]);
});

test('a record names a hundred of a kind, and counts all', async () => {
  open();
  has = { calls: Array.from({ length: 250 }, (_, n) => `req_${n}`) };
  const closer = closerOf([ending('calls')]);
  closer.ended([TASK], 'stop');
  await closer.settled();
  const { calls } = subjects()[0]!['ended'] as Record<string, { count: number; ids: string[] }>;
  expect([calls!.count, calls!.ids.length]).toEqual([250, 100]);
});
