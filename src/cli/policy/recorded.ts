import { LogFileError } from '../../audit/log-files.ts';
import { verifyLog } from '../../audit/verify.ts';
import { Conflict, NotFound, Unavailable } from '../../core/errors.ts';
import type { LogRecord } from '../../core/record.ts';
import { callApi } from '../api.ts';
import type { Io } from '../io.ts';
import { hasLog, recordsBetween, verifierKey } from '../log.ts';

/**
 * All records of a log folder, in order, after the whole of it was verified: a replay of a past that somebody has
 * changed would vouch for a policy that it should have warned of.
 *
 * @throws NotFound when there is no log in the folder; Conflict when it is damaged or cannot be verified.
 */
export function* recordsOfFolder(
  { dir, key }: { dir: string; key: string | undefined },
  say: (line: string) => void,
): Generator<LogRecord> {
  try {
    if (!hasLog(dir)) throw new NotFound(`there is no log in \`${dir}\`; name its folder with --dir`);
    say(`verifying the log in \`${dir}\``);
    const report = verifyLog(dir, verifierKey(dir, key));
    if (!report.ok) {
      throw new Conflict(`the log in \`${dir}\` is not replayed, since it cannot be verified: ${report.problem}`);
    }
    // What was appended since is not verified, and waits for the next replay.
    for (const { record } of recordsBetween(dir, 0, report.size)) yield record;
  } catch (cause) {
    if (cause instanceof LogFileError) throw new Conflict(`the log cannot be read: ${cause.message}`, { cause });
    throw cause;
  }
}

const PAGE = 500;

type Page = { size: number; records: { index: number; record: LogRecord }[] };

/**
 * All records that the server had at the first page, in order. They are as the server tells them: only a folder can be
 * verified. Each page is a decision of its own at the server, so this grows its log.
 *
 * @throws Unavailable when the server cannot be reached; else what the server answers.
 */
export async function* recordsOfServer(io: Io): AsyncGenerator<LogRecord> {
  const session = await io.person();
  const signedIn: Io = { ...io, person: () => Promise.resolve(session) };
  let end = Number.POSITIVE_INFINITY;
  for (let start = 0; start < end;) {
    const page = await onePage(signedIn, start);
    end = Math.min(end, page.size);
    const last = page.records.at(-1);
    if (last === undefined) return;
    for (const { index, record } of page.records) if (index < end) yield record;
    start = last.index + 1;
  }
}

async function onePage(io: Io, start: number): Promise<Page> {
  try {
    return await callApi<Page>(io, 'GET', `/log/records?start=${start}&limit=${PAGE}`);
  } catch (cause) {
    // `fetch` rejects with a TypeError for whatever goes wrong before there is an answer.
    if (cause instanceof TypeError) {
      throw new Unavailable(`\`${io.remitUrl}\` cannot be reached; start Remit there or name it with --url`, { cause });
    }
    throw cause;
  }
}
