import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { readPolicyFolder } from '../../config/policy-folder.ts';
import { InvalidRequest, NotFound } from '../../core/errors.ts';
import type { LogRecord } from '../../core/record.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { createPdp } from '../../pdp/pdp.ts';
import { finish } from '../../pdp/steps.ts';
import { explainDecision, type Explanation } from '../../policy/explain.ts';
import { recordForm } from '../../server/record-form.ts';
import { callApi } from '../api.ts';
import { UsageError, type Command } from '../io.ts';
import { explainText } from './explain-text.ts';
import { recordsOfFolder } from './recorded.ts';

export const POLICY_EXPLAIN_USAGE = `remit policy explain RECORD [--policies DIR [--dir LOGDIR] [--key VKEY_OR_FILE]]
                    which clause of which policy decided, with the values: under the set that decided, as the server has
                    it, or under DIR, of a record in a log folder`;

/**
 * Exit code 0 when the record is explained, whatever was decided.
 *
 * @throws UsageError; NotFound for a record that is not there; InvalidRequest for one that is no decision; Conflict for
 *   one that cannot be explained; InvalidConfig for policies that cannot be used.
 */
export const policyExplain: Command = async (args, io) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { policies: { type: 'string' }, dir: { type: 'string' }, key: { type: 'string' } },
  });
  const [record, ...more] = positionals;
  const { policies, dir = `${io.dataDir}/log`, key } = values;
  if (record === undefined || more.length > 0) throw usage('name one record, such as `rec_…`; see `remit log show`');
  if (policies === undefined && (values.dir !== undefined || key !== undefined)) {
    throw usage('name the folder of the policies with --policies: a log folder holds none');
  }
  const explanation =
    policies === undefined
      ? await callApi<Explanation>(io, 'GET', `/policy/explain/${encodeURIComponent(record)}`)
      : explainFromFolder(record, { policies, dir, key });
  if (io.json) io.out(JSON.stringify(explanation));
  else for (const line of explainText(explanation)) io.out(line);
  return 0;
};

function explainFromFolder(
  id: string,
  { policies, dir, key }: { policies: string; dir: string; key: string | undefined },
): Explanation {
  const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
  const checkArguments = createCheckArguments();
  const pdp = createPdp(readPolicyFolder(policies), { sha256, checkArguments });
  let found: LogRecord | undefined;
  for (const record of recordsOfFolder({ dir, key }, () => {})) if (record.id === id) found = record;
  if (found === undefined) throw new NotFound(`there is no record \`${id}\` in \`${dir}\``);
  if (found.kind !== 'decision') throw new InvalidRequest(`\`${id}\` is not a decision: ${found.kind}`);
  const isKnownForm = (record: LogRecord) => recordForm.safeParse(record).success;
  return finish(explainDecision(found, { pdp, sha256, checkArguments, isKnownForm }));
}

function usage(problem: string): UsageError {
  return new UsageError(`${problem}\nusage: ${POLICY_EXPLAIN_USAGE}`);
}
