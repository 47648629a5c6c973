import { parseArgs } from 'node:util';
import { benchDecision } from './decision.ts';
import type { Figure } from './figures.ts';
import { benchMcp } from './mcp.ts';
import { benchProvenance } from './provenance.ts';
import { benchTask } from './task.ts';
import { benchToken } from './token.ts';

/** Benchmarks by name: `npm run bench -- NAME [--json]`. Each measures beside what it is compared with, in one run. */
const BENCHMARKS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  decision: () => benchDecision(),
  token: () => benchToken(),
  task: () => benchTask(),
  provenance: () => Promise.resolve(benchProvenance()),
  mcp: () => benchMcp({ calls: 1_000, seconds: 8 }),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const name = positionals[0] ?? '';
const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
if (benchmark === undefined) {
  console.error(`usage: npm run bench -- NAME [--json]; there is: ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}
for (const figure of await benchmark()) {
  console.log(
    values.json
      ? JSON.stringify(figure)
      : `${figure.name.padEnd(28)} ${String(figure.value).padStart(8)} ${figure.unit}`,
  );
}
