import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { createCheckArguments } from '../../../src/pdp/check-arguments.ts';
import { bothDecide, modelCase } from '../../harness/decision-model.ts';
import type { Report } from '../report.ts';

/** Compares CASES generated decisions (10,000 unless told) with the naive model, from seed SEED (1 unless told). */
export async function runModelSuite(report: Report, [cases = '10000', seed = '1']: readonly string[]): Promise<void> {
  const wanted = Number(cases);
  const checkArguments = createCheckArguments();
  const codes = new Map<string, number>();
  let compared = 0;
  const run = fc.check(
    fc.property(modelCase, (each) => {
      const { real, model } = bothDecide(each, checkArguments);
      compared += 1;
      for (const code of new Set(model.codes)) codes.set(code, (codes.get(code) ?? 0) + 1);
      return isDeepStrictEqual(real, model);
    }),
    { numRuns: wanted, seed: Number(seed) },
  );
  if (run.failed) {
    const [smallest] = run.counterexample ?? [];
    const both = smallest === undefined ? null : bothDecide(smallest, checkArguments);
    report.failed(`seed ${seed} case ${run.numRuns}`, JSON.stringify({ ...both, smallest }));
  } else if (compared > 0) report.passed(`${compared} generated decisions`);
  report.note(
    `${compared} decisions: ${[...codes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, count]) => `${code} ${count}`)
      .join(', ')}`,
  );
}
