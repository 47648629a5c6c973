import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCommand } from '../commands.ts';

/** The command as a person types it, on folders of their own. */

let folder: string;
let out: string[];
let err: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-policy-'));
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const POLICY = `
@id("read") @reason("reading is fine") permit (principal, action in Action::"read", resource);
@id("write") permit (principal, action in Action::"write", resource);
@id("held") @reason("an owner must agree") @approval("owners") forbid (principal, action in Action::"write", resource);
`;
const DEFAULTS = `
defaults:
  agent: spiffe://remit.local/agent/clerk
  delegator: { subject: alice }
  task: {}
  targets: { files: { operations: { read: { effect: read }, write: { effect: write } } } }
`;
const READ = "{ name: a read, action: 'files:read', expect: permit }";
const WRITE = "{ name: a write, action: 'files:write', expect: { outcome: hold, approvers: [owners] } }";
const APPROVED = "{ name: approved, approval: { by: [{ subject: owners }] }, action: 'files:write', expect: permit }";
const MATRIX = `
matrix:
  expected: table.txt
  who: { alice: {} }
  operations: { read: { action: 'files:read' }, write: { action: 'files:write' } }
`;
const TABLE = 'operation  resource  alice\nread       -         permit\nwrite      -         hold(owners)\n';

function write(files: Record<string, string>): void {
  mkdirSync(join(folder, 'tests'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

const cases = (...each: string[]) => `${DEFAULTS}\ncases: [${each.join(', ')}]\n`;
const run = (...args: string[]) => runCommand(['policy', 'test', folder, ...args], {});

describe('exit code 0', () => {
  test('when every case is as expected', async () => {
    write({ 'a.cedar': POLICY, 'tests/a.yaml': cases(READ), 'tests/b.yaml': cases(WRITE) });
    expect(await run()).toBe(0);
    expect(out).toEqual([
      'not covered by any case: write',
      '2 of 2 cases and 0 of 0 cells as expected; 2 of 3 policies covered',
    ]);
  });

  test('strictly, when every policy decides some case', async () => {
    write({ 'a.cedar': POLICY, 'tests/a.yaml': cases(READ, WRITE, APPROVED) });
    expect(await run('--strict')).toBe(0);
  });

  test('when the table is as it came out', async () => {
    write({ 'a.cedar': POLICY, 'tests/a.yaml': DEFAULTS + MATRIX, 'tests/table.txt': TABLE });
    expect(await run()).toBe(0);
    expect(out.at(-1)).toContain('2 of 2 cells as expected');
  });
});

describe('exit code 1', () => {
  test('for a wrong expectation, with what was expected, what came out and why', async () => {
    write({ 'a.cedar': POLICY, 'tests/a.yaml': cases(READ, WRITE.replace('hold', 'permit')) });
    expect(await run()).toBe(1);
    expect(out.slice(0, 4)).toEqual([
      `FAIL  ${folder}/tests/a.yaml: a write`,
      '        outcome: expected permit, got hold',
      '        because: an owner must agree (approval_required)',
      '        decided by: held',
    ]);
    expect(out.at(-1)).toContain('1 of 2 cases');
  });

  test('for a record that is another', async () => {
    write({
      'a.cedar': POLICY,
      'tests/a.yaml': cases(READ.replace('permit', '{ outcome: permit, record: { task: null } }')),
    });
    expect(await run()).toBe(1);
    expect(out[1]).toContain('record.task: expected null, got {');
  });

  test('strictly, for a policy that decides no case', async () => {
    write({ 'a.cedar': POLICY, 'tests/a.yaml': cases(READ, WRITE) });
    expect(await run('--strict')).toBe(1);
    expect(out[0]).toBe('FAIL  not covered by any case: write');
  });

  test.each<[string, Record<string, string>, string]>([
    ['no case file', {}, 'tests'],
    ['a file without cases', { 'tests/a.yaml': DEFAULTS, 'tests/b.yaml': cases(READ) }, 'tests/a.yaml'],
    ['an empty file', { 'tests/a.yaml': '' }, 'tests/a.yaml'],
    [
      'a matrix without columns',
      { 'tests/a.yaml': `${DEFAULTS}${MATRIX.replace('alice: {}', '')}`, 'tests/table.txt': '' },
      'tests/a.yaml',
    ],
  ])('for %s: nothing tested is not a pass', async (_name, files, where) => {
    write({ 'a.cedar': POLICY, ...files });
    expect(await run()).toBe(1);
    expect(out).toContain(`FAIL  ${folder}/${where}: no cases; add at least one, or nothing is tested`);
  });

  test('for a folder without tests', async () => {
    writeFileSync(join(folder, 'a.cedar'), POLICY);
    expect(await run()).toBe(1);
  });

  test('for a cell that differs from the table, which stays as it is', async () => {
    const table = TABLE.replace('hold(owners)', 'permit');
    write({ 'a.cedar': POLICY, 'tests/a.yaml': DEFAULTS + MATRIX, 'tests/table.txt': table });
    expect(await run()).toBe(1);
    expect(out[1]).toBe('        alice × write × -: expected permit, got hold(owners)');
    expect(readFileSync(join(folder, 'tests/table.txt'), 'utf8')).toBe(table);
  });

  test('for a row of the table that the matrix no longer has', async () => {
    const table = `${TABLE}send  -  deny\n`;
    write({ 'a.cedar': POLICY, 'tests/a.yaml': DEFAULTS + MATRIX, 'tests/table.txt': table });
    expect(await run()).toBe(1);
    expect(out[1]).toBe('        alice × send × -: expected deny, no longer in the matrix');
    expect(out.at(-1)).toContain('2 of 2 cells as expected');
  });

  test('for a table that is not there', async () => {
    write({ 'a.cedar': POLICY, 'tests/a.yaml': DEFAULTS + MATRIX });
    expect(await run()).toBe(1);
    expect(out[0]).toContain('there is no such table; `--update` writes it');
  });
});

describe('--update', () => {
  test('writes the table, and says how much changed', async () => {
    write({
      'a.cedar': POLICY,
      'tests/a.yaml': DEFAULTS + MATRIX,
      'tests/table.txt': TABLE.replace('hold(owners)', 'permit'),
    });
    expect(await run('--update')).toBe(0);
    expect(out[0]).toBe(`wrote ${folder}/tests/table.txt: 1 cell changed; review the table`);
    expect(readFileSync(join(folder, 'tests/table.txt'), 'utf8')).toBe(TABLE);
  });

  test('makes no failing case pass', async () => {
    write({ 'a.cedar': POLICY, 'tests/a.yaml': `${cases(READ.replace('permit', 'deny'))}${MATRIX}` });
    expect(await run('--update')).toBe(1);
  });
});

describe('exit code 2', () => {
  test.each<[string, Record<string, string>, string]>([
    ['bad YAML', { 'a.cedar': POLICY, 'tests/a.yaml': 'cases: [' }, 'tests/a.yaml:1:'],
    ['an unknown field', { 'a.cedar': POLICY, 'tests/a.yaml': 'caess: []' }, 'known here are `agents`'],
    ['a case without sense', { 'a.cedar': POLICY, 'tests/a.yaml': cases(READ.replace(':read', ':rad')) }, '`a read`'],
    [
      'two matrices with one table',
      { 'a.cedar': POLICY, 'tests/a.yaml': DEFAULTS + MATRIX, 'tests/b.yaml': DEFAULTS + MATRIX },
      'tests/a.yaml has the same table',
    ],
    ['bad Cedar', { 'a.cedar': 'permit (principal', 'tests/a.yaml': cases(READ) }, 'a.cedar:1'],
    ['no policy', { 'tests/a.yaml': cases(READ) }, 'has no .cedar file'],
  ])('for %s', async (_name, files, words) => {
    write(files);
    expect(await run()).toBe(2);
    expect(out).toEqual([]);
    expect(err.join('\n')).toContain(words);
  });

  test.each([
    ['no verb', ['policy']],
    ['an unknown verb', ['policy', 'tset']],
    ['an inherited verb', ['policy', 'constructor']],
    ['two folders', ['policy', 'test', 'a', 'b']],
  ])('for %s, with the usage', async (_name, argv) => {
    expect(await runCommand(argv, {})).toBe(2);
    expect(err.join('\n')).toContain('remit policy test [FOLDER]');
  });

  test('for an unknown option', async () => {
    expect(await run('--stirct')).toBe(2);
    expect(err.join('\n')).toContain('--stirct');
  });
});

test('--json prints one object for each case and each matrix, and a summary', async () => {
  write({
    'a.cedar': POLICY,
    'tests/a.yaml': `${cases(READ.replace('permit', 'deny'))}${MATRIX}`,
    'tests/table.txt': TABLE,
  });
  expect(await run('--json')).toBe(1);
  const [first, matrix, summary, ...rest] = out.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(first).toMatchObject({
    case: 'a read',
    pass: false,
    problems: ['outcome: expected deny, got permit'],
    got: { outcome: 'permit', policies: ['read'] },
  });
  expect(matrix).toMatchObject({ matrix: join(folder, 'tests/table.txt'), pass: true, differences: [] });
  expect(summary).toMatchObject({ pass: false, cases: 1, cases_failed: 1, cells: 2, cells_different: 0 });
  expect(summary?.['not_covered']).toEqual(['write']);
  expect(rest).toEqual([]);
});

test('nothing that a policy or a case says can move the cursor', async () => {
  const evil = POLICY.replace('reading is fine', 'x').replace('an owner must agree', '\u001b[2Jgone');
  write({ 'a.cedar': evil, 'tests/a.yaml': cases(WRITE.replace('hold', 'permit')) });
  expect(await run()).toBe(1);
  expect(out.join('')).toContain('\\u001b[2Jgone');
  expect(out.join('')).not.toContain('\u001b');
});
