import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bothDecide, modelCase } from '../../test/harness/decision-model.ts';
import { createCheckArguments } from './check-arguments.ts';

// `npm run conformance -- model` runs as many as one likes.
test('decisions are those of a model written in the plainest words', { timeout: 60_000 }, () => {
  const checkArguments = createCheckArguments();
  const codes = new Set<string>();
  let lifted = 0;
  let observed = 0;
  let capped = 0;
  fc.assert(
    fc.property(modelCase, (each) => {
      const { real, model } = bothDecide(each, checkArguments);
      expect(real).toEqual(model);
      for (const code of model.codes) codes.add(code);
      lifted += model.liftedByApproval.length;
      observed += model.observed.length;
      if (model.maxLifetime !== null) capped += 1;
    }),
    { numRuns: 900 },
  );
  // A comparison in which everything were denied for the same reason would prove little.
  const policyCodes = ['no_policy', 'policy_error', 'policy_forbids', 'policy_permits', 'approval_required'];
  expect([...codes]).toEqual(expect.arrayContaining(policyCodes));
  expect([...codes]).toEqual(
    expect.arrayContaining([
      'stale_view',
      'task_not_live',
      'outside_grant',
      'over_sensitivity',
      'over_budget',
      'uncountable_amount',
    ]),
  );
  expect(lifted).toBeGreaterThan(0);
  expect(observed).toBeGreaterThan(0);
  expect(capped).toBeGreaterThan(0);
});
