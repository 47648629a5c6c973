import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../test/fixtures/task.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { createPdp } from '../pdp/pdp.ts';
import { parseCaseFile } from './case-form.ts';
import { compareMatrix, decideMatrix, formatMatrix, type Cell } from './matrix.ts';

const POLICY = `
@id("read") permit (principal, action in Action::"read", resource);
@id("write") permit (principal, action in Action::"write", resource);
@id("hold") @approval("owners") forbid (principal, action in Action::"write", resource);
@id("outside") forbid (principal, action in Action::"write", resource)
when { context has origin && context.origin.trust == "outside" && context.task.purpose == "write" };
`;

function decided(): Cell[] {
  const file = parseCaseFile(
    't.yaml',
    `
defaults: { agent: spiffe://remit.local/agent/clerk, delegator: { subject: alice } }
matrix:
  expected: t.txt
  who:
    inside: { task: {} }
    outside: { task: { origin: outside } }
    no task: { task: null }
  operations:
    read: { action: { target: files, operation: read, effect: read, resources: [a, b, a] } }
    write: { action: { target: files, operation: write, effect: write }, task: { purpose: write } }
`,
  );
  const pdp = createPdp({ 'a.cedar': POLICY }, { sha256, checkArguments: createCheckArguments() });
  return decideMatrix(file, file.matrix!, (input) => pdp.decide(input));
}

const TABLE = `operation  resource  inside        outside  no task
read       a         permit        permit   deny
read       b         permit        permit   deny
write      -         hold(owners)  deny     deny
`;

test('each pair, operation and resource is one cell, and a row and a column each say what they know of the task', () => {
  expect(formatMatrix(decided())).toBe(TABLE);
});

describe('a table', () => {
  test('that says the same is no difference, however it is aligned and ordered', () => {
    const rows = `operation  resource  outside  no task  inside
write          -    deny    deny    hold(owners)

read  b  permit  deny  permit
read  a  permit  deny  permit`;
    expect(compareMatrix(TABLE, decided())).toEqual([]);
    expect(compareMatrix(rows, decided())).toEqual([]);
  });

  test('that says something else differs in that cell', () => {
    const cell = { who: 'inside', operation: 'write', resource: '-' };
    expect(compareMatrix(TABLE.replace('hold(owners)', 'permit'), decided())).toEqual([
      { ...cell, expected: 'permit', got: 'hold(owners)' },
    ]);
  });

  test('that lacks a row or has one more differs in each cell of it', () => {
    expect(compareMatrix(TABLE.replace(/^read {7}b.*\n/m, ''), decided())).toHaveLength(3);
    const more = compareMatrix(`${TABLE}send  -  deny  deny  deny\n`, decided());
    expect(more.map(({ expected, got }) => [expected, got])).toEqual(Array(3).fill(['deny', null]));
  });

  test('that has a cell too many in a row differs there', () => {
    expect(compareMatrix(TABLE.replace(/deny\n$/, 'deny  permit\n'), decided())).toEqual([
      { who: 'column 6', operation: 'write', resource: '-', expected: 'permit', got: null },
    ]);
  });

  test('that is empty expects nothing, so that everything differs', () => {
    expect(compareMatrix('', decided())).toHaveLength(9);
  });
});

test('what is written is read back without a difference, and a changed cell is always found', () => {
  const word = fc.stringMatching(/^[a-zé:/.*()-]{1,6}( [a-z]{1,3})?$/);
  const names = fc.uniqueArray(word, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(names, names, fc.infiniteStream(word), fc.nat(), (people, operations, outcomes, place) => {
      const cells = operations.flatMap((operation) =>
        people.map((who) => ({ who, operation, resource: '-', outcome: outcomes.next().value as string })),
      );
      const table = formatMatrix(cells);
      expect(compareMatrix(table, cells)).toEqual([]);
      const changed = cells.map((cell, at) =>
        at === place % cells.length ? { ...cell, outcome: `${cell.outcome}!` } : cell,
      );
      expect(compareMatrix(table, changed)).toHaveLength(1);
    }),
  );
});
