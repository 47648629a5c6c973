import { createHash } from 'node:crypto';
import type { DecisionInput } from '../../src/core/decision.ts';
import { createCheckArguments } from '../../src/pdp/check-arguments.ts';
import { askOracle, oracleCalls, oracleSet, prepareOracle } from '../../src/pdp/oracle.ts';
import { createPdp } from '../../src/pdp/pdp.ts';
import { parsePolicySet } from '../../src/pdp/policy-set.ts';
import { fullInputs, manyPolicies, TEN } from './decision-inputs.ts';
import { percentile, rounded, type Figure } from './figures.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const SAMPLES = 200_000;

export function benchDecision(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const add = (name: string, value: number, unit: string) => figures.push({ name, value: rounded(value), unit });
  const cases = fullInputs();
  for (const count of [10, 100, 1_000, 10_000]) {
    const files = { 'ten.cedar': TEN, 'many.cedar': manyPolicies(count - 10) };
    const before = memory();
    const pdp = createPdp(files, { sha256, checkArguments: createCheckArguments() });
    const used = memory() - before;
    const permitted = cases.filter((input) => pdp.decide(input).outcome === 'permit').length;
    if (permitted !== cases.length)
      throw new Error(`${cases.length - permitted} of the benchmark's actions are not permitted`);
    const own = sample(SAMPLES, (n) => pdp.decide(cases[n % cases.length]!));
    const oracle = sampleOracle(files, cases, count);
    add(`decide.p50.${count}`, percentile(own, 0.5), 'µs');
    add(`decide.p99.${count}`, percentile(own, 0.99), 'µs');
    add(`oracle.p50.${count}`, percentile(oracle, 0.5), 'µs');
    add(`oracle.p99.${count}`, percentile(oracle, 0.99), 'µs');
    add(`ratio.p50.${count}`, percentile(oracle, 0.5) / percentile(own, 0.5), 'times');
    if (count === 10_000) add('memory.10000', used, 'MiB');
  }
  return Promise.resolve(figures);
}

/** `cedar-wasm` on what the decision asks of it: one call for the agent and one for the delegator, JSON made before. */
function sampleOracle(files: Record<string, string>, cases: readonly DecisionInput[], count: number): number[] {
  prepareOracle('bench', oracleSet(parsePolicySet(files, sha256)));
  const calls = cases.slice(0, 64).map(oracleCalls);
  return sample(count >= 10_000 ? 60 : count >= 1000 ? 400 : 3_000, (n) => {
    for (const call of calls[n % calls.length]!) askOracle('bench', call);
  });
}

/** Microseconds of each of `count` runs, after a tenth of them unmeasured. */
function sample(count: number, run: (n: number) => void): number[] {
  for (let n = 0; n < count / 10; n++) run(n);
  return Array.from({ length: count }, (_none, n) => {
    const start = process.hrtime.bigint();
    run(n);
    return Number(process.hrtime.bigint() - start) / 1000;
  });
}

/** Mebibytes in use after a collection. */
function memory(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}
