import { expect, test } from 'vitest';
import { generateCase } from '../../../test/harness/cedar-generator.ts';
import { compareWithOracle, noComparison } from '../../../test/harness/cedar-oracle.ts';

// `npm run conformance -- oracle 1000000` runs as many as one likes.
const FIRST_SEED = Number(process.env['SEED'] ?? 1) * 100_000;

test('generated policies, entities and requests are decided as cedar-wasm decides them', { timeout: 60_000 }, () => {
  const seen = noComparison();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 300; seed++) {
    compareWithOracle(generateCase(seed), seen);
    expect(seen.differences, `seed ${seed}`).toEqual([]);
  }
  expect(seen.requests).toBeGreaterThan(2000);
  expect(seen.refused).toBeLessThan(30);
  expect(seen.allowed).toBeGreaterThan(seen.requests / 50);
  expect(seen.erred).toBeGreaterThan(seen.requests / 50);
});
