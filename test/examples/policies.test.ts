import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPolicyFolder } from '../../src/config/policy-folder.ts';
import { createCheckArguments } from '../../src/pdp/check-arguments.ts';
import { parsePolicySet } from '../../src/pdp/policy-set.ts';
import { parseCaseFile } from '../../src/policy/case-form.ts';
import { compareMatrix } from '../../src/policy/matrix.ts';
import { runCases } from '../../src/policy/run-cases.ts';
import { OWN_OPERATIONS } from '../../src/task/authorize.ts';
import { sha256 } from '../fixtures/task.ts';

/** The policy set that newcomers copy: its own tests pass, reach every policy, and notice each that goes missing. */

const folder = join(import.meta.dirname, '../../examples/policies');
const tests = join(folder, 'tests');
const shipped = readPolicyFolder(folder);
const set = parsePolicySet(shipped, sha256);
const files = readdirSync(tests)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => parseCaseFile(name, readFileSync(join(tests, name), 'utf8')));

function run(policies: Record<string, string>) {
  const report = runCases(policies, files, { sha256, checkArguments: createCheckArguments() });
  const failed = report.cases.filter(({ problems }) => problems.length > 0);
  const different = report.matrices.flatMap(({ expected, cells }) =>
    compareMatrix(readFileSync(join(tests, expected), 'utf8'), cells),
  );
  return { report, failed, different };
}

test('every case and cell is as expected, and every policy decides one', () => {
  const { report, failed, different } = run(shipped);
  expect(failed).toEqual([]);
  expect(different).toEqual([]);
  expect(report.uncovered).toEqual([]);
  expect(report.cases.length).toBeGreaterThan(30);
  expect(report.matrices.length).toBe(2);
});

test('no policy fails to evaluate in any case', () => {
  const { report } = run(shipped);
  const codes = report.cases.flatMap(({ decision }) => decision.reasons.map(({ code }) => code));
  expect(codes).not.toContain('policy_error');
});

describe('without one of its policies, a test fails', () => {
  test.each([...set.policies.keys()])('%s', (id) => {
    const others = [...set.policies.values()].filter((policy) => policy.id !== id);
    const { failed, different } = run({ 'all.cedar': others.map(({ text }) => text).join('\n') });
    expect(failed.length + different.length).toBeGreaterThan(0);
  });
});

test('every policy has an id of its own and says why', () => {
  for (const policy of set.policies.values()) {
    expect(policy.id).not.toMatch(/#/);
    expect(policy.reason ?? '').not.toBe('');
  }
});

test('every operation of Remit is in the table', () => {
  const rows = files.flatMap((file) => Object.values(file.matrix?.operations ?? {}));
  const tried = rows.filter(({ action }) => action.target === 'remit').map(({ action }) => action.operation);
  expect(tried.toSorted()).toEqual(Object.keys(OWN_OPERATIONS).toSorted());
});
