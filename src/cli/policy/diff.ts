import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { readPolicyFolder } from '../../config/policy-folder.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { createPdp } from '../../pdp/pdp.ts';
import { finish } from '../../pdp/steps.ts';
import { DEFAULT_REQUESTS, diffPolicies } from '../../policy/diff/diff.ts';
import { callApi } from '../api.ts';
import { UsageError, type Command, type Io } from '../io.ts';
import { openCatalogue } from './catalogue.ts';
import { diffText } from './diff-text.ts';

export const POLICY_DIFF_USAGE = `remit policy diff BEFORE AFTER [--config FILE] [--requests N]   which generated requests do two folders decide otherwise?
remit policy diff AFTER --server [--requests N]    the same, from the set in force to a folder`;

const MOST_REQUESTS = 10_000_000;

/**
 * Exit code 0 when no request was found that the sets decide otherwise, 1 when some were.
 *
 * @throws UsageError; InvalidConfig for a folder that cannot be used.
 */
export const policyDiff: Command = async (args, io) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      server: { type: 'boolean', default: false },
      requests: { type: 'string' },
    },
  });
  const { config, server } = values;
  if (positionals.length !== (server ? 1 : 2) || (server && config !== undefined)) {
    throw new UsageError(`usage: ${POLICY_DIFF_USAGE}`);
  }
  const requests = values.requests === undefined ? DEFAULT_REQUESTS : countOf(values.requests);
  const after = readPolicyFolder(positionals.at(-1)!);
  const before = server ? await filesInForce(io) : readPolicyFolder(positionals[0]!);
  const { catalogue } = await openCatalogue({ server, ...(config === undefined ? {} : { config }) }, io);
  const parts = { sha256, checkArguments: createCheckArguments() };
  const report = finish(diffPolicies(createPdp(before, parts), createPdp(after, parts), { catalogue, requests }));
  if (io.json) io.out(JSON.stringify(report));
  else for (const line of diffText(report)) io.out(line);
  return report.groups.length === 0 ? 0 : 1;
};

async function filesInForce(io: Io): Promise<Record<string, string>> {
  const session = await io.person();
  const signedIn: Io = { ...io, person: () => Promise.resolve(session) };
  const { in_force: inForce } = await callApi<{ in_force: { policy_set: string } }>(signedIn, 'GET', '/policy');
  const set = await callApi<{ files: Record<string, string> }>(signedIn, 'GET', `/policy/sets/${inForce.policy_set}`);
  return set.files;
}

function countOf(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0 && count <= MOST_REQUESTS) return count;
  throw new UsageError(`\`--requests ${text}\`: expected a whole number up to ${MOST_REQUESTS}`);
}

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
