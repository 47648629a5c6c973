import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPolicyFolder } from '../../src/config/policy-folder.ts';
import { createCheckArguments } from '../../src/pdp/check-arguments.ts';
import { parsePolicySet } from '../../src/pdp/policy-set.ts';
import { parseCaseFile } from '../../src/policy/case-form.ts';
import { runCases } from '../../src/policy/run-cases.ts';
import { sha256 } from '../fixtures/task.ts';

/** The starter pack: its cases pass, each policy of its own decides one, and one that goes missing is noticed. */

const folder = join(import.meta.dirname, '../../examples/starter');
const cases = parseCaseFile('origins.yaml', readFileSync(join(folder, 'tests/origins.yaml'), 'utf8'));
const shipped = readPolicyFolder(folder);
const own = parsePolicySet({ 'origins.cedar': shipped['origins.cedar']! }, sha256).policies;

function run(policies: Record<string, string>) {
  return runCases(policies, [cases], { sha256, checkArguments: createCheckArguments() });
}

test('every case is as expected, and every policy of its own decides one', () => {
  const report = run(shipped);
  expect(report.cases.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(report.uncovered.filter((id) => own.has(id))).toEqual([]);
  expect(report.cases.flatMap(({ decision }) => decision.reasons.map(({ code }) => code))).not.toContain(
    'policy_error',
  );
});

describe('without one of its policies, a case fails', () => {
  test.each([...own.keys()])('%s', (id) => {
    const others = [...own.values()].filter((policy) => policy.id !== id).map(({ text }) => text);
    const { cases: results } = run({ ...shipped, 'origins.cedar': others.join('\n') });
    expect(results.filter(({ problems }) => problems.length > 0)).not.toEqual([]);
  });
});
