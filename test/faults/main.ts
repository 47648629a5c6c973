import { parseArgs } from 'node:util';
import { killRounds } from './kill.ts';

/** `npm run faults [-- --rounds N] [--json]`: the long form of the kill test. Exit 0 only when nothing was lost. */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '50' }, json: { type: 'boolean', default: false } },
});
const report = await killRounds(Number(values.rounds), (line) => process.stderr.write(`\r${line}`));
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
process.exitCode = Object.values(checks).every(Boolean) ? 0 : 1;
