import { expect, test } from 'vitest';
import type { DecisionRecord, EventRecord, LogRecord } from '../../../src/core/record.ts';
import { judge } from './judge.ts';
import type { Note } from './notes.ts';

/** A judge that finds nothing has to be one that would: each history here has one thing wrong. */

const permit = (
  id: string,
  about: {
    operation?: string;
    resources?: string[];
    mark?: string;
    chain?: string[];
    approval?: string;
    outcome?: string;
  },
): LogRecord =>
  ({
    kind: 'decision',
    id,
    chain: (about.chain ?? ['t']).map((task) => ({ task })),
    action: {
      target: about.operation === undefined ? 'witness' : 'remit',
      operation: about.operation ?? 'note',
      effect: about.operation === undefined ? 'read' : 'write',
      resources: about.resources ?? [],
      arguments: about.mark === undefined ? {} : { mark: about.mark },
    },
    decision: { outcome: about.outcome ?? 'permit' },
    approval: about.approval === undefined ? null : { id: about.approval, approvers: [] },
  }) as unknown as DecisionRecord;
const ended = (task: string): LogRecord =>
  ({ kind: 'event', event: 'task.ended', subject: { task } }) as unknown as EventRecord;

const NOTES: Note[] = [
  { kind: 'task', id: 't', parent: null, begin: 1, end: 2 },
  { kind: 'task', id: 'child', parent: 't', begin: 3, end: 4 },
  { kind: 'call', task: 'child', mark: 'm1', ok: true, begin: 5, end: 6 },
  { kind: 'held', task: 't', mark: 'h1', approval: 'a1', begin: 7, end: 8 },
  { kind: 'approve', approval: 'a1', ok: true, begin: 9, end: 10 },
  { kind: 'call', task: 't', mark: 'h1', ok: true, begin: 11, end: 12 },
  { kind: 'end', task: 't', ok: true, begin: 13, end: 14 },
  { kind: 'call', task: 'child', mark: 'm2', ok: false, begin: 15, end: 16 },
];
const SEEN = ['m1', 'h1'];
const LOG: LogRecord[] = [
  permit('r1', { operation: 'task.create', resources: ['task:t'], chain: [] }),
  permit('r2', { operation: 'task.delegate', resources: ['task:t'] }),
  permit('r3', { mark: 'm1', chain: ['child', 't'] }),
  permit('r4', { mark: 'h1', approval: 'a1', outcome: 'hold' }),
  permit('r5', { operation: 'approval.answer', resources: ['approval:a1'] }),
  permit('r6', { mark: 'h1', approval: 'a1' }),
  ended('t'),
  ended('child'),
];
const RIGHT = { afterEnd: [], permitAfterEnd: [], spentTwice: [], lost: [], unrecorded: [] };

test('a history in which everything is right', () => {
  expect(judge(NOTES, SEEN, LOG)).toEqual(RIGHT);
});

test('what was never answered may have happened or not', () => {
  const notes = NOTES.map((note): Note => ({ ...note, end: null, ...('ok' in note ? { ok: false } : {}) }));
  expect(judge(notes, SEEN, LOG)).toEqual(RIGHT);
  expect(judge(notes.slice(0, 0), [], [])).toEqual(RIGHT);
});

const late: Note = { kind: 'call', task: 'child', mark: 'm2', ok: true, begin: 15, end: 16 };
test.each<[what: keyof typeof RIGHT, notes: Note[], seen: string[], log: LogRecord[]]>([
  ['afterEnd', [...NOTES.slice(0, -1), late], SEEN, [permit('r0', { mark: 'm2' }), ...LOG]],
  ['afterEnd', NOTES, [...SEEN, 'm2'], [permit('r0', { mark: 'm2' }), ...LOG]],
  ['permitAfterEnd', NOTES, SEEN, [...LOG, permit('r7', { mark: 'x', chain: ['child', 't'] })]],
  ['spentTwice', NOTES, SEEN, [permit('r0', { mark: 'h1', approval: 'a1' }), ...LOG]],
  [
    'spentTwice',
    [...NOTES, { ...NOTES[5]!, begin: 11, end: 12 }],
    [...SEEN, 'h1'],
    [permit('r0', { mark: 'h1' }), ...LOG],
  ],
  ['lost', NOTES, SEEN, LOG.slice(1)],
  ['lost', NOTES, SEEN, LOG.filter((record) => record.id !== 'r2')],
  ['lost', NOTES, SEEN, LOG.filter((record) => record.id !== 'r4')],
  ['lost', NOTES, SEEN, LOG.filter((record) => record.id !== 'r5')],
  ['lost', NOTES, SEEN, LOG.filter((record) => record.kind !== 'event')],
  ['lost', NOTES, ['h1'], LOG.filter((record) => record.id !== 'r3')],
  [
    'unrecorded',
    NOTES.filter((note) => note.kind !== 'call' || note.mark !== 'm1').concat({ ...NOTES[2]!, end: null } as Note),
    SEEN,
    LOG.filter((record) => record.id !== 'r3'),
  ],
])('%s is found (%#)', (what, notes, seen, log) => {
  const verdict = judge(notes, seen, log);
  expect(verdict[what]).not.toEqual([]);
  const others = Object.entries(verdict).filter(
    ([kind]) => kind !== what && !(what === 'unrecorded' && kind === 'lost'),
  );
  expect(others.flatMap(([, wrong]) => wrong)).toEqual([]);
});
