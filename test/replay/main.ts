import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readPolicyFolder } from '../../src/config/policy-folder.ts';
import { createCheckArguments } from '../../src/pdp/check-arguments.ts';
import { createPdp } from '../../src/pdp/pdp.ts';
import { parsePolicySet } from '../../src/pdp/policy-set.ts';
import { readAgentDojo } from './agentdojo.ts';
import { readAgentDyn } from './agentdyn.ts';
import { measure } from './measure.ts';
import { figureLine, figuresOf, LIMITS, residue } from './report.ts';
import type { Suite } from './suite.ts';
import { readTau } from './tau.ts';

/**
 * `npm run replay -- SUITE --data DIR [--policies DIR] [--without POLICY] [--json]`: what recorded agents did, and what attackers had them do,
 * decided by the policies. Exit 0 when it could be played, 2 for what cannot be read.
 */
const SUITES: Readonly<Record<string, (folder: string) => Suite[]>> = {
  agentdojo: readAgentDojo,
  agentdyn: readAgentDyn,
  tau: readTau,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    policies: { type: 'string', default: join(import.meta.dirname, '../../examples/starter') },
    without: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});
const [name = ''] = positionals;
const read = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
if (read === undefined || values.data === undefined) {
  console.error(
    `usage: npm run replay -- SUITE --data DIR [--policies DIR] [--without POLICY]… [--json]; there is: ${Object.keys(SUITES).join(', ')}`,
  );
  process.exit(2);
}
if (!existsSync(values.data)) {
  console.error(`there is no folder \`${values.data}\`; give the folder of the suite's files`);
  process.exit(2);
}
const suites = read(values.data);
if (suites.every(({ benign, attacks }) => benign.length + attacks.length === 0)) {
  console.error(`nothing to play in \`${values.data}\`; is it the folder of \`${name}\`?`);
  process.exit(2);
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const pdp = createPdp(without(readPolicyFolder(values.policies), values.without), {
  checkArguments: createCheckArguments(),
  sha256,
});
const results = suites.map((suite) => measure(`${name}.${suite.name}`, [suite], pdp));
if (suites.length > 1) results.push(measure(name, suites, pdp));

for (const measured of results) {
  if (values.json) {
    for (const figure of figuresOf(measured)) console.log(JSON.stringify(figure));
    continue;
  }
  console.log(`\n${measured.suite}`);
  for (const figure of figuresOf(measured)) console.log(figureLine(figure));
  if (measured.suite === name) continue;
  if (measured.asked.length > 0)
    console.log(['  wanted, and stopped or asked for:', ...residue(measured.asked)].join('\n'));
  if (measured.missed.length > 0) console.log(['  attacks that went through:', ...residue(measured.missed)].join('\n'));
}
if (!values.json) console.log(['\nlimits of a replay:', ...LIMITS.map((limit) => `  ${limit}`)].join('\n'));

/** The set without some of its policies: what each of them is for. */
function without(files: Record<string, string>, ids: readonly string[]): Record<string, string> {
  if (ids.length === 0) return files;
  const { policies } = parsePolicySet(files, sha256);
  const unknown = ids.find((id) => !policies.has(id));
  if (unknown !== undefined) {
    console.error(`there is no policy \`${unknown}\`; there is: ${[...policies.keys()].join(', ')}`);
    process.exit(2);
  }
  const kept = [...policies.values()].filter(({ id }) => !ids.includes(id));
  return { 'all.cedar': kept.map(({ text }) => text).join('\n') };
}
