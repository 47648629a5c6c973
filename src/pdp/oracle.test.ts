import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelCase, type ModelCase } from '../../test/harness/decision-model.ts';
import { sha256 } from '../../test/fixtures/task.ts';
import { buildEvaluator } from './evaluate.ts';
import { Oracle, Unaskable } from './oracle.ts';
import { parsePolicySet } from './policy-set.ts';
import { RULING, rulingNames, rulingOf } from './ruling.ts';
import { differenceOf, WAYS, type Said } from './said.ts';
import { finish } from './steps.ts';

// What is reported as a difference by mistake denies everything: engine and oracle must agree on whatever comes.
test('engine and oracle agree on generated sets and inputs, in what policies say and in what follows', () => {
  let asked = 0;
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(modelCase, ({ policies, input }: ModelCase) => {
      const files = { 'model.cedar': policies.map(({ text }) => text).join('\n') };
      const set = parsePolicySet(files, sha256);
      const evaluator = finish(buildEvaluator(set));
      const engine = evaluator.said(input);
      const decision = evaluator.decide(input);
      if (engine === null) {
        expect(decision).toMatchObject({ outcome: 'deny', policies: [] });
        return;
      }
      const oracle = new Oracle('agrees', set.policies);
      const said: Said[] = [...oracle.said(JSON.parse(JSON.stringify(input)) as typeof input)];
      expect(said).toHaveLength(engine.length);
      for (const [place, each] of said.entries()) expect(differenceOf(WAYS, engine[place]!, each)).toBeNull();
      const ruling = rulingOf(said, set.policies, input.approval);
      expect(differenceOf(RULING, rulingNames(decision), rulingNames(ruling))).toBeNull();
      asked += 1;
      outcomes.add(decision.outcome);
    }),
    { numRuns: Number(process.env['CASES'] ?? 150) },
  );
  expect(asked).toBeGreaterThan(75);
  expect([...outcomes].sort()).toEqual(['deny', 'hold', 'permit']);
});

test('what `cedar-wasm` would see otherwise is not asked', () => {
  const set = parsePolicySet({ 'a.cedar': 'permit (principal, action, resource);' }, sha256);
  const oracle = new Oracle('unaskable', set.policies);
  const [{ input }] = fc.sample(
    modelCase.filter(({ input: { chain } }) => chain.length > 0),
    { numRuns: 1, seed: 1 },
  ) as [ModelCase];
  const odd = { ...input, action: { ...input.action, arguments: { path: '\ud800' } } };
  expect(() => [...oracle.said(odd)]).toThrow(Unaskable);
});
