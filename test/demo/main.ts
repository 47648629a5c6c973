import { parseArgs } from 'node:util';
import { play, type ActResult } from './acts.ts';
import { governedTask } from './governed-task.ts';
import { legacy } from './legacy.ts';
import { scheduledSummary } from './scheduled-summary.ts';

/** Stories by name: `npm run demo [-- NAME] [--json]`. Each starts what it needs and cleans up. */
const STORIES = { task: governedTask, legacy, 'scheduled-summary': scheduledSummary } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const name = positionals[0] ?? 'task';
const story = Object.hasOwn(STORIES, name) ? STORIES[name as keyof typeof STORIES] : undefined;
if (story === undefined) {
  console.error(`no demo \`${name}\`; there is: ${Object.keys(STORIES).join(', ')}`);
  process.exit(2);
}

const started = performance.now();
let acts = 0;
let held = 0;
const { acts: list, dispose } = await story();
let all = false;
try {
  all = await play(list, (result) => {
    acts += 1;
    held += result.held ? 1 : 0;
    print(result);
  });
} finally {
  await dispose();
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
if (values.json) console.log(JSON.stringify({ name: 'demo', story: name, acts, held, seconds: Number(seconds) }));
else console.log(`\n${held} of ${acts} acts held, in ${seconds} s`);
process.exitCode = all ? 0 : 1;

function print(result: ActResult): void {
  if (values.json) {
    console.log(JSON.stringify(result));
    return;
  }
  const mark = result.held ? 'ok  ' : 'FAIL';
  const happened = result.held ? result.happened : `${result.happened} (expected: ${result.expected})`;
  console.log(`${mark} ${result.name} → ${happened}`);
}
