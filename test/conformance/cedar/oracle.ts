import { generateCase } from '../../harness/cedar-generator.ts';
import { compareWithOracle, noComparison } from '../../harness/cedar-oracle.ts';
import type { Report } from '../report.ts';

/** Compares CASES generated requests (1,000,000 unless told) with `cedar-wasm`, from seed SEED (1 unless told). */
export async function runOracleSuite(report: Report, [cases = '1000000', firstSeed = '1']: readonly string[]) {
  const wanted = Number(cases);
  const seen = noComparison();
  let seed = Number(firstSeed);
  for (; seen.requests < wanted && seen.differences.length < 10; seed++) {
    const before = seen.differences.length;
    compareWithOracle(generateCase(seed), seen);
    for (const { request, ours, oracle } of seen.differences.slice(before)) {
      report.failed(`seed ${seed} request ${request}`, `${JSON.stringify(ours)}, the oracle ${JSON.stringify(oracle)}`);
    }
  }
  const { requests, allowed, erred, refused } = seen;
  report.note(
    `${requests} requests, ${allowed} allowed, ${erred} with errors; ${refused} policy sets refused; next seed ${seed}`,
  );
  if (seen.differences.length === 0 && requests >= wanted && wanted > 0)
    report.passed(`${requests} generated requests`);
}
