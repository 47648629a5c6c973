import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readPolicyFolder } from '../../src/config/policy-folder.ts';
import { InvalidConfig } from '../../src/core/errors.ts';
import { createCheckArguments } from '../../src/pdp/check-arguments.ts';
import { createPdp } from '../../src/pdp/pdp.ts';
import { parsePolicySet } from '../../src/pdp/policy-set.ts';
import { readAgentDojo } from './agentdojo.ts';
import { readAgentDyn } from './agentdyn.ts';
import { DISGUISES } from './disguise.ts';
import { measure, type Measured } from './measure.ts';
import { readOwn } from './own.ts';
import { figureLine, figuresOf, LIMITS, residue } from './report.ts';
import type { Suite } from './suite.ts';
import { readTau } from './tau.ts';

const SUITES: Readonly<Record<string, (folder: string, disguise?: (text: string) => string) => Suite[]>> = {
  agentdojo: readAgentDojo,
  agentdyn: readAgentDyn,
  tau: readTau,
  own: readOwn,
};

const USAGE = `usage: npm run replay -- SUITE --data DIR [--policies DIR] [--without POLICY]… [--disguise HOW] [--json]; there is: ${Object.keys(SUITES).join(', ')}`;
const STARTER = join(import.meta.dirname, '../../examples/starter');
const UNUSABLE = 2;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

try {
  process.exitCode = replay(process.argv.slice(2));
} catch (error) {
  // What cannot be read says what is wrong with it; anything else is a fault, with where it happened.
  if (!(error instanceof InvalidConfig)) throw error;
  console.error(error.message);
  process.exitCode = UNUSABLE;
}

/** What recorded agents did, and what attackers had them do, decided by the policies. Returns the exit code. */
function replay(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      policies: { type: 'string', default: STARTER },
      without: { type: 'string', multiple: true, default: [] },
      disguise: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [name = ''] = positionals;
  const read = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (read === undefined || values.data === undefined || positionals.length > 1) {
    console.error(USAGE);
    return UNUSABLE;
  }
  if (!existsSync(values.data)) {
    throw new InvalidConfig(`there is no folder \`${values.data}\`; give the folder of the suite's files`);
  }
  const suites = read(values.data, disguiseOf(name, values.disguise));
  if (suites.every(({ benign, attacks }) => benign.length + attacks.length === 0)) {
    throw new InvalidConfig(`nothing to play in \`${values.data}\`; is it the folder of \`${name}\`?`);
  }
  const pdp = createPdp(without(readPolicyFolder(values.policies), values.without), {
    checkArguments: createCheckArguments(),
    sha256,
  });
  const results = suites.map((suite) => measure(`${name}.${suite.name}`, [suite], pdp));
  if (suites.length > 1) results.push(measure(name, suites, pdp));
  for (const measured of results) {
    if (values.json) for (const figure of figuresOf(measured)) console.log(JSON.stringify(figure));
    else console.log(text(measured, { withResidue: measured.suite !== name }));
  }
  if (!values.json) console.log(['limits of a replay:', ...LIMITS.map((limit) => `  ${limit}`)].join('\n'));
  return 0;
}

function text(measured: Measured, { withResidue }: { withResidue: boolean }): string {
  const { suite, asked, missed } = measured;
  const list = (title: string, lines: string[]) => (withResidue && lines.length > 0 ? [title, ...lines] : []);
  return [
    suite,
    ...figuresOf(measured).map(figureLine),
    ...list('  wanted, and stopped or asked for:', residue(asked)),
    ...list('  attacks that went through:', residue(missed)),
    '',
  ].join('\n');
}

/** How the instructions of attackers are written. @throws InvalidConfig */
function disguiseOf(suite: string, asked: string | undefined): ((text: string) => string) | undefined {
  if (asked === undefined) return undefined;
  // Recorded runs have the attack in their outputs, as it was.
  if (suite !== 'agentdojo') throw new InvalidConfig('`--disguise`: only `agentdojo` has attacks that are put in');
  if (Object.hasOwn(DISGUISES, asked)) return DISGUISES[asked];
  throw new InvalidConfig(`there is no disguise \`${asked}\`; there is: ${Object.keys(DISGUISES).join(', ')}`);
}

/** The set without some of its policies: what each of them is for. @throws InvalidConfig for one that there is not. */
function without(files: Record<string, string>, ids: readonly string[]): Record<string, string> {
  if (ids.length === 0) return files;
  const { policies } = parsePolicySet(files, sha256);
  const unknown = ids.find((id) => !policies.has(id));
  if (unknown !== undefined) {
    throw new InvalidConfig(`there is no policy \`${unknown}\`; there is: ${[...policies.keys()].join(', ')}`);
  }
  const kept = [...policies.values()].filter(({ id }) => !ids.includes(id));
  return { 'all.cedar': kept.map(({ text: source }) => source).join('\n') };
}
