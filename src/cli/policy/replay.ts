import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { readPolicyFolder } from '../../config/policy-folder.ts';
import { NotFound } from '../../core/errors.ts';
import type { LogRecord } from '../../core/record.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { createPdp } from '../../pdp/pdp.ts';
import { replay, type ReplayReport } from '../../policy/replay.ts';
import { recordForm } from '../../server/record-form.ts';
import { UsageError, type Io } from '../io.ts';
import { withProgress } from './progress.ts';
import { recordsOfFolder, recordsOfServer } from './recorded.ts';
import { replayText, replayWire, unreplayed } from './replay-text.ts';
import { parseWhen } from './when.ts';

export const REPLAY_USAGE = `remit policy replay --policies DIR [--since WHEN] [--until WHEN]   which recorded decisions would a draft turn?
                    [--dir LOGDIR [--key VKEY_OR_FILE] | --server] [--progress]`;

const NO_FLIPS = 0;
const FLIPS = 1;

/**
 * Decides the recorded past again by a draft policy set. Resolves with 1 when anything, also of what is uncertain,
 * would come out otherwise, and with 0 when nothing would.
 *
 * @throws UsageError; InvalidConfig for a draft that cannot be used; NotFound when there were decisions and none of
 *   them can be replayed, so that a check does not pass which has compared nothing; what reading the log throws.
 */
export async function replayPolicy(args: string[], io: Io, clock: () => number = Date.now): Promise<number> {
  const options = parse(args, io, clock());
  const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
  // Before the log is read: a draft with a mistake in it is told at once.
  const draft = createPdp(readPolicyFolder(options.policies), { sha256, checkArguments: createCheckArguments() });
  const terminal = process.stderr.isTTY === true;
  const say = options.progress || terminal ? io.err : () => {};
  const records = options.server ? recordsOfServer(io) : recordsOfFolder(options, say);
  const told = withProgress(records, { say, clock: () => performance.now(), terminal });
  const report = await replay(within(options, told), {
    draft,
    sha256,
    isKnownForm: (record) => recordForm.safeParse(record).success,
  });
  if (io.json) io.out(JSON.stringify(replayWire(report)));
  else for (const line of replayText(report)) io.out(line);
  failIfNothingCompared(report);
  return report.exact.flipped + report.uncertain.flipped === 0 ? NO_FLIPS : FLIPS;
}

type Options = {
  policies: string;
  since: number;
  until: number;
  dir: string;
  key: string | undefined;
  server: boolean;
  progress: boolean;
};

function parse(args: string[], io: Io, now: number): Options {
  const { values } = parseArgs({
    args,
    options: {
      policies: { type: 'string' },
      since: { type: 'string' },
      until: { type: 'string' },
      dir: { type: 'string' },
      key: { type: 'string' },
      server: { type: 'boolean', default: false },
      progress: { type: 'boolean', default: false },
    },
  });
  if (values.policies === undefined) throw usage('name the folder of the draft with --policies');
  if (values.server && (values.dir !== undefined || values.key !== undefined)) {
    throw usage('`--server` does not go with `--dir` and `--key`, which are for a log folder');
  }
  const since = when(values.since, now) ?? Number.NEGATIVE_INFINITY;
  const until = when(values.until, now) ?? Number.POSITIVE_INFINITY;
  if (since >= until) throw usage('`--since` is not before `--until`');
  const { policies, dir = `${io.dataDir}/log`, key, server, progress } = values;
  return { policies, since, until, dir, key, server, progress };
}

function when(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const time = parseWhen(text, now);
  if (typeof time === 'object') throw usage(time.problem);
  return time;
}

function usage(problem: string): UsageError {
  return new UsageError(`${problem}\nusage: ${REPLAY_USAGE}`);
}

/** From `since` on, before `until`. All are looked at: clocks are set back, so a log need not be in order of time. */
async function* within({ since, until }: Options, records: AsyncIterable<LogRecord>): AsyncGenerator<LogRecord> {
  for await (const record of records) if (record.time >= since && record.time < until) yield record;
}

function failIfNothingCompared(report: ReplayReport): void {
  if (report.decisions === 0 || unreplayed(report) < report.decisions) return;
  throw new NotFound(
    'none of these decisions can be replayed, so nothing is known of the draft; choose a later --since',
  );
}
