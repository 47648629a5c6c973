import { parseArgs } from 'node:util';
import { createRandom } from './history/random.ts';
import { runHistory } from './history/history.ts';
import { killWhileMinting } from './lease.ts';
import { killRounds } from './kill.ts';

/**
 * `npm run faults [-- --rounds N]`: the long form of the kill test. `npm run faults -- histories [--runs N] [--seed S]`: random
 * histories with kills, one for each seed from S on. `npm run faults -- leases [--runs N] [--seed S]`: kills while keys are minted and
 * taken back, after which every key is accounted for. All take `--json`. Exit 0 only when nothing was lost.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '50' },
    runs: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
if (positionals[0] === 'leases') {
  process.exitCode = await leases(Number(values.runs), Number(values.seed));
} else if (positionals[0] === 'histories') {
  process.exitCode = await histories(Number(values.runs), Number(values.seed));
} else {
  process.exitCode = await kills(Number(values.rounds));
}

async function histories(runs: number, first: number): Promise<number> {
  let wrong = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const { counts, ...verdict } = await runHistory({ seed, clients: 6, acts: 120, kills: 4 });
    const findings = Object.entries(verdict).filter(([, found]) => Array.isArray(found) && found.length > 0);
    const right = findings.length === 0 && verdict.log === 'ok';
    if (!right) wrong += 1;
    if (values.json) console.log(JSON.stringify({ name: 'history', value: right, ...verdict, counts }));
    else {
      const done = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
      console.log(`${right ? 'ok  ' : 'FAIL'} history ${seed}: ${done.join(', ')}`);
      for (const [what, found] of findings) console.log(`     ${what}: ${(found as string[]).join('; ')}`);
      if (verdict.log !== 'ok') console.log(`     log: ${verdict.log}`);
    }
  }
  return wrong === 0 ? 0 : 1;
}

async function leases(kills: number, seed: number): Promise<number> {
  const { lost, log, ...counts } = await killWhileMinting({ kills, tasks: 3, random: createRandom(seed) });
  const checks = { 'every key is revoked or outstanding': lost.length === 0, 'the log is verified': log === 'ok' };
  for (const [name, held] of Object.entries(checks)) {
    console.log(values.json ? JSON.stringify({ name, value: held }) : `${held ? 'ok  ' : 'FAIL'} ${name}`);
  }
  const { issued, revoked, outstanding, tasks } = counts;
  if (values.json) console.log(JSON.stringify({ name: 'leases', kills, lost, ...counts }));
  else
    console.log(
      `${kills} kills, ${tasks} tasks: ${issued} keys issued, ${revoked} revoked, ${outstanding} outstanding`,
    );
  if (lost.length > 0) console.log(`     lost: ${lost.join(', ')}`);
  return Object.values(checks).every(Boolean) ? 0 : 1;
}

async function kills(rounds: number): Promise<number> {
  const report = await killRounds(rounds, (line) => process.stderr.write(`\r${line}`));
  process.stderr.write('\n');
  const checks = {
    'every call that the target saw has its permit': report.unrecorded.length === 0 && report.seen > 0,
    'no permit is left without an outcome': report.open.length === 0,
    'the log is verified': report.log === 'ok',
    'the restarted process went on with the same task and keys': report.continued === report.rounds,
  };
  for (const [name, held] of Object.entries(checks)) {
    console.log(values.json ? JSON.stringify({ name, value: held }) : `${held ? 'ok  ' : 'FAIL'} ${name}`);
  }
  console.log(
    values.json
      ? JSON.stringify({ name: 'kill', ...report })
      : `${report.rounds} kills, ${report.seen} calls seen by the target`,
  );
  return Object.values(checks).every(Boolean) ? 0 : 1;
}
