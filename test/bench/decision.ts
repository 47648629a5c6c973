import { createHash } from 'node:crypto';
import type { DecisionInput } from '../../src/core/decision.ts';
import { createCheckArguments } from '../../src/pdp/check-arguments.ts';
import { askOracle, oracleCalls, oracleSet, prepareOracle } from '../../src/pdp/oracle.ts';
import { preparePdp } from '../../src/pdp/prepare.ts';
import { createPdp, type Pdp } from '../../src/pdp/pdp.ts';
import { parsePolicySet, policySetHash } from '../../src/pdp/policy-set.ts';
import { startReferee, type Referee } from '../../src/pdp/referee/referee.ts';
import { fullCatalogue, fullInputs, manyPolicies, sharedPolicies, TEN } from './decision-inputs.ts';
import { heapMiB, percentile, rounded, type Figure } from './figures.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const SAMPLES = 200_000;

export async function benchDecision(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const add = (name: string, value: number, unit: string) => figures.push({ name, value: rounded(value), unit });
  const cases = fullInputs();
  for (const count of [10, 100, 1_000, 10_000]) {
    const files = { 'ten.cedar': TEN, 'many.cedar': manyPolicies(count - 10) };
    const before = heapMiB();
    const pdp = createPdp(files, { sha256, checkArguments: createCheckArguments() });
    const used = heapMiB() - before;
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
    if (count === 10) for (const { name, value, unit } of await refereed(pdp, cases)) add(name, value, unit);
  }
  for (const count of [100, 1_000]) {
    const files = { 'ten.cedar': TEN, 'shared.cedar': sharedPolicies(count) };
    const pdp = createPdp(files, { sha256, checkArguments: createCheckArguments() });
    const runs = sample(SAMPLES / 10, (n) => pdp.decide(cases[n % cases.length]!));
    add(`decide.shared.p50.${count}`, percentile(runs, 0.5), 'µs');
  }
  for (const figure of await publishing(cases)) add(figure.name, figure.value, figure.unit);
  return figures;
}

/** What the referee costs whoever waits for a decision: nothing is measured of what it does on its own thread. */
async function refereed(pdp: Pdp, cases: readonly DecisionInput[]): Promise<Figure[]> {
  const referee = (sampled: number) =>
    startReferee({
      pdp: () => pdp,
      sample: sampled,
      queue: SAMPLES,
      random: Math.random,
      onFound: ({ difference }) => {
        throw new Error(`the engines differ: ${JSON.stringify(difference)}`);
      },
      onProblem: (error) => {
        throw error;
      },
    });
  const considering = (by: Referee) => (n: number) => {
    const input = cases[n % cases.length]!;
    by.consider({ record: 'rec_bench', input, decision: pdp.decide(input) });
  };
  const alone = (n: number) => pdp.decide(cases[n % cases.length]!);
  const hundredth = referee(0.01);
  // Turn by turn, so that both meet the same machine; fewer than the queue holds, so that every copy is made.
  const turns = Array.from({ length: 5 }, () => ({
    alone: sample(SAMPLES / 10, alone),
    sampled: sample(SAMPLES / 10, considering(hundredth)),
  }));
  const [before, after] = [turns.flatMap((turn) => turn.alone), turns.flatMap((turn) => turn.sampled)];
  const each = referee(1);
  const copies = sample(500, considering(each));
  await Promise.all([hundredth.close(), each.close()]);
  if (hundredth.status().skipped + each.status().skipped > 0) throw new Error('not every copy was made');
  const mean = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / all.length;
  return [
    { name: 'referee.ratio.p50', value: percentile(after, 0.5) / percentile(before, 0.5), unit: 'times' },
    { name: 'referee.ratio.mean', value: mean(after) / mean(before), unit: 'times' },
    { name: 'referee.copy.p50', value: percentile(copies, 0.5) - percentile(before, 0.5), unit: 'µs' },
  ];
}

/** Publishing ten thousand policies while decisions go on: from the files to the first decision of the new set. */
async function publishing(cases: readonly DecisionInput[]): Promise<Figure[]> {
  const checkArguments = createCheckArguments();
  let pdp = createPdp({ 'ten.cedar': TEN }, { sha256, checkArguments });
  const runs: { took: number; pause: number }[] = [];
  for (let run = 0; run < 3; run++) {
    const files = { 'ten.cedar': TEN, 'many.cedar': `// run ${run}\n${manyPolicies(9_990)}` };
    let pause = 0;
    let decided = 0;
    let last = performance.now();
    const deciding = setInterval(() => {
      pdp.decide(cases[decided++ % cases.length]!);
      pause = Math.max(pause, performance.now() - last - 1);
      last = performance.now();
    }, 1);
    const start = performance.now();
    const hash = policySetHash(files, sha256);
    const { pdp: next, findings } = await preparePdp({ files, hash, catalogue: fullCatalogue() }, { checkArguments });
    pdp = next;
    const took = performance.now() - start;
    await new Promise((resolve) => setTimeout(resolve, 20));
    clearInterval(deciding);
    if (findings.length > 0) throw new Error(`the benchmark's policies are not valid: ${findings[0]!.message}`);
    runs.push({ took, pause });
  }
  const middle = (pick: (run: { took: number; pause: number }) => number) => percentile(runs.map(pick), 0.5);
  return [
    { name: 'publish.10000', value: middle(({ took }) => took), unit: 'ms' },
    { name: 'publish.pause.10000', value: middle(({ pause }) => pause), unit: 'ms' },
  ];
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
