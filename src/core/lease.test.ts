import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleAction, sampleTask } from '../../test/fixtures/task.ts';
import type { TaskView } from './decision.ts';
import {
  handleOf,
  idsIn,
  isHandle,
  isOutstanding,
  LEASE_STATES,
  leaseMayBecome,
  moved,
  OUTSTANDING_STATES,
  replaceHandles,
  type NamedLease,
} from './lease.ts';
import { leaseFixture } from '../store/conformance/fixture.ts';
import { leaseObjection } from './lease-use.ts';
import { redactArguments, redactText } from './redact.ts';

const ID = `lse_${'0a9z'.repeat(6)}`;

test('what is over stays over, and whatever is not over can come to an end', () => {
  const ends = LEASE_STATES.filter((state) => !isOutstanding(state));
  expect(ends).toEqual(['none', 'revoked', 'kept', 'settled', 'discarded']);
  for (const end of ends) for (const to of LEASE_STATES) expect(leaseMayBecome(end, to)).toBe(false);
  for (const state of OUTSTANDING_STATES) {
    const reached = new Set([state]);
    for (const from of reached) for (const to of LEASE_STATES) if (leaseMayBecome(from, to)) reached.add(to);
    expect([...reached].some((each) => ends.includes(each))).toBe(true);
  }
  expect(() => moved(leaseFixture({ state: 'revoked' }), 'held')).toThrow('cannot become');
});

test('a handle survives JSON, URLs and headers as it is, and is found wherever it stands', () => {
  const handle = handleOf(ID);
  expect(handle).toBe(`remit-lease-${'0a9z'.repeat(6)}`);
  expect([encodeURIComponent(handle), JSON.stringify(handle), new Headers({ a: handle }).get('a')]).toEqual([
    handle,
    `"${handle}"`,
    handle,
  ]);
  const any = fc.string({ maxLength: 20 });
  fc.assert(
    fc.property(any, any, (before, after) => {
      const text = `${before}${handle}${after}`;
      // What follows may be letters of the same kind: a handle has a fixed length.
      expect(idsIn(text)).toEqual([ID]);
      expect(replaceHandles(text, () => '$&')).toBe(`${before}$&${after}`);
      expect(isHandle(text)).toBe(text === handle);
    }),
  );
  expect(idsIn(`${handle} ${handle}`)).toEqual([ID]);
  expect(idsIn('remit-lease-short remit-lease-0A9Z0A9Z0A9Z0A9Z0A9Z0A9Z')).toEqual([]);
});

test('what is put in for a handle is not looked at again', () => {
  const other = `lse_${'b'.repeat(24)}`;
  const text = `${handleOf(ID)} ${handleOf(other)}`;
  expect(replaceHandles(text, (id) => (id === ID ? handleOf(other) : 'value'))).toBe(`${handleOf(other)} value`);
});

test('records show handles: in an argument that is named like a secret, and behind `Bearer`', () => {
  const handle = handleOf(ID);
  expect(redactArguments({ api_key: handle, password: `${handle}x`, authorization: `Bearer ${handle}` })).toEqual({
    api_key: handle,
    password: '[redacted]',
    authorization: '[redacted]',
  });
  expect(redactText(`Bearer ${handle}, Bearer ${'x'.repeat(40)}`)).toBe(`Bearer ${handle}, [redacted]`);
});

const lease = (change: Partial<NonNullable<NamedLease['lease']>> = {}): NamedLease => ({
  id: ID,
  lease: {
    task: 'task_1',
    target: 'files',
    operation: 'create_key',
    kind: 'secret',
    state: 'held',
    usableAt: ['files'],
    madeAt: 0,
    ...change,
  },
});
const level = (id: string, leases?: string[], target = 'files'): TaskView => ({
  task: sampleTask({
    id,
    grant: [{ type: 'remit_grant', target, effects: ['read'], ...(leases === undefined ? {} : { leases }) }],
  }),
  used: { calls: 0 },
});
const objection = (named: NamedLease, chain: TaskView[]) =>
  leaseObjection({ action: { ...sampleAction(), target: 'files', leases: [named] }, chain })?.message ?? null;

test('INVARIANT 13: a lease is its own task’s, and of those below it whose every grant between names it', () => {
  const own = [level('task_1')];
  expect(objection(lease(), own)).toBeNull();
  expect(objection({ id: ID, lease: null }, own)).toContain('is no lease of this task');
  expect(objection(lease({ task: 'task_2' }), own)).toBe(objection({ id: ID, lease: null }, own));
  expect(objection(lease(), [level('c'), level('task_1')])).toContain('`c` does not hand it on');
  expect(objection(lease(), [level('c', [ID]), level('task_1')])).toBeNull();
  expect(objection(lease(), [level('c', [`lse_${'b'.repeat(24)}`]), level('task_1')])).toContain('`c`');
  expect(objection(lease(), [level('c', [ID], 'other'), level('task_1')])).toContain('`c`');
  expect(objection(lease(), [level('d', [ID]), level('c'), level('task_1')])).toContain('`c`');
  expect(objection(lease(), [level('d'), level('c', [ID]), level('task_1')])).toContain('`d`');
  expect(objection(lease(), [level('d', [ID]), level('c', [ID]), level('task_1', undefined, 'x')])).toBeNull();
  // A task above cannot use what one below has minted.
  expect(objection(lease({ task: 'c' }), own)).toContain('is no lease of this task');
});

test('only what is held is used, and only at its targets', () => {
  const own = [level('task_1')];
  for (const state of LEASE_STATES) {
    expect(objection(lease({ state }), own) === null).toBe(state === 'held');
  }
  expect(objection(lease({ state: 'waiting' }), own)).toContain('waits for a person');
  expect(objection(lease({ usableAt: ['other'] }), own)).toContain('`other` only');
  expect(leaseObjection({ action: sampleAction(), chain: own })).toBeNull();
});
