import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// No policy text becomes code: nothing that decides could make code of a text, and it decides where that is forbidden.

test('nothing that parses, compiles or evaluates policy makes code of text', () => {
  const made =
    /\beval\s*\(|[.=]\s*eval\b|\bnew\s+Function\b|\bFunction\s*\(|\bimport\s*\((?!'[^']*'\))|node:vm|\bsetTimeout\s*\(\s*['"`]/;
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join('src', name));
  expect(files.length).toBeGreaterThan(100);
  const making = files.filter((file) => made.test(readFileSync(file, 'utf8')));
  // It asks the engine for its own collector, by a constant, when the first large body streams by.
  expect(making).toEqual(['src/gateway/http/release-buffers.ts']);
  expect(readFileSync(making[0]!, 'utf8').match(/runInNewContext\(.*/g)).toEqual([
    `runInNewContext('typeof gc === "function" ? gc : null');`,
  ]);
});

test('policies are parsed, validated, compiled, evaluated and explained where code cannot be made of text', () => {
  const script = `
    import { HOSTILE_SETS } from './test/fixtures/hostile-policies.ts';
    import { sampleInput, sha256 } from './test/fixtures/task.ts';
    import { createCheckArguments } from './src/pdp/check-arguments.ts';
    import { createPdp } from './src/pdp/pdp.ts';
    import { parsePolicySet } from './src/pdp/policy-set.ts';
    import { validatePolicies } from './src/pdp/schema/validate.ts';
    import { lintPolicies } from './src/policy/lints.ts';
    let refusesCode = false;
    try { new Function('return 1')(); } catch { refusesCode = true; }
    const outcomes = [];
    for (const { files, refused } of HOSTILE_SETS) {
      if (refused !== null) continue;
      const pdp = createPdp(files, { sha256, checkArguments: createCheckArguments() });
      outcomes.push(pdp.decide(sampleInput()).outcome);
      pdp.couldPermit(sampleInput());
      const catalogue = { targets: [], groups: null, trustDomains: null };
      const policies = [...parsePolicySet(files, sha256).policies.values()];
      validatePolicies(policies, catalogue);
      lintPolicies(policies, catalogue, 0);
    }
    console.log(JSON.stringify({ refusesCode, outcomes }));
  `;
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script];
  const { refusesCode, outcomes } = JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' })) as {
    refusesCode: boolean;
    outcomes: string[];
  };
  expect(refusesCode).toBe(true);
  expect(outcomes.length).toBeGreaterThan(8);
  expect(new Set(outcomes)).toEqual(new Set(['permit']));
});
