import { parseArgs } from 'node:util';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const REVOCATIONS_USAGE = `remit revocations [--after N] [--limit N] [--format json|set]   what has ended, in order
remit revocations --snapshot                                   what is revoked now, and as of which entry`;

type RevocationWire = {
  sequence: number;
  at?: string;
  kind?: string;
  subject?: Record<string, unknown>;
  cause?: string;
  set?: string | null;
};

type SnapshotWire = { position: number } & Record<string, unknown>;

export const revocations: Command = async (args, io) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      after: { type: 'string' },
      limit: { type: 'string' },
      format: { type: 'string' },
      snapshot: { type: 'boolean', default: false },
    },
  });
  const { snapshot, ...query } = values;
  if (positionals.length > 0 || (snapshot && Object.keys(query).length > 0)) throw new UsageError(REVOCATIONS_USAGE);
  if (snapshot) {
    printSnapshot(await callApi<SnapshotWire>(io, 'GET', '/revocations/snapshot'), io);
    return 0;
  }
  const found = await callApi<{ revocations: RevocationWire[]; newest: number }>(
    io,
    'GET',
    `/revocations?${new URLSearchParams(query).toString()}`,
  );
  for (const entry of found.revocations) io.out(io.json ? JSON.stringify(entry) : textOf(entry));
  if (io.json) return 0;
  const last = found.revocations.at(-1)?.sequence;
  if (last === undefined) io.out('nothing');
  else if (last < found.newest) io.err(`more: --after ${last}`);
  return 0;
};

function textOf({ sequence, at, kind, subject, cause, set }: RevocationWire): string {
  if (set !== undefined) return `${sequence}  ${set ?? '-'}`;
  const about = Object.entries(subject ?? {}).map(([name, value]) => `${name} ${String(value)}`);
  return `${sequence}  ${at}  ${kind}  ${about.join(', ')}${cause === '' ? '' : ` (${cause})`}`;
}

function printSnapshot(snapshot: SnapshotWire, io: Io): void {
  if (io.json) {
    io.out(JSON.stringify(snapshot));
    return;
  }
  const { position, ...kinds } = snapshot;
  io.out(`as of entry ${position}`);
  for (const [kind, revoked] of Object.entries(kinds)) {
    for (const each of revoked as unknown[])
      io.out(`  ${kind}  ${typeof each === 'string' ? each : JSON.stringify(each)}`);
  }
}
