import { parseArgs } from 'node:util';
import { benchAuthzen } from './authzen.ts';
import { benchClassify } from './classify.ts';
import { benchImport } from './classify/import-document.ts';
import { benchDecision } from './decision.ts';
import type { Figure } from './figures.ts';
import { benchHttp } from './http.ts';
import { benchMcp } from './mcp.ts';
import { benchProvenance } from './provenance.ts';
import { benchSecrets } from './secrets.ts';
import { benchTask } from './task.ts';
import { benchToken } from './token.ts';

/** `--data FILE`: another corpus of the same form. `say`: what people read beside the figures. */
type Options = { data: string | undefined; say: (line: string) => void };

/** Benchmarks by name: `npm run bench -- NAME [--json]`. Each measures beside what it is compared with, in one run. */
const BENCHMARKS: Readonly<Record<string, (options: Options) => Promise<Figure[]>>> = {
  decision: () => benchDecision(),
  token: () => benchToken(),
  task: () => benchTask(),
  authzen: ({ say }) => benchAuthzen({ seconds: 6, say }),
  classify: async ({ data, say }) => [
    ...(await benchClassify(data, say)),
    ...(data === undefined ? benchImport() : []),
  ],
  provenance: () => Promise.resolve(benchProvenance()),
  secrets: ({ data, say }) => benchSecrets(data, say),
  http: () => benchHttp({ calls: 2_000, seconds: 6 }),
  mcp: () => benchMcp({ calls: 1_000, seconds: 8 }),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, data: { type: 'string' } },
});
const name = positionals[0] ?? '';
const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
if (benchmark === undefined) {
  console.error(`usage: npm run bench -- NAME [--json] [--data FILE]; there is: ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}
const say = values.json ? () => {} : console.log;
for (const figure of await benchmark({ data: values.data, say })) {
  console.log(
    values.json
      ? JSON.stringify(figure)
      : `${figure.name.padEnd(28)} ${String(figure.value).padStart(8)} ${figure.unit}`,
  );
}
