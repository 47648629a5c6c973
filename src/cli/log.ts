import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { readRecord } from '../audit/check-record.ts';
import {
  CHECKPOINT_FILE,
  LogFileError,
  PUBLIC_KEY_FILE,
  readEntries,
  readIfPresent,
  readText,
} from '../audit/log-files.ts';
import { formatProof, proveEntry, verifyProof } from '../audit/proof-file.ts';
import { printable, recordText } from '../audit/record-text.ts';
import { verifyLog, type VerifyReport } from '../audit/verify.ts';
import { parseCheckpoint, type Checkpoint } from '../core/checkpoint.ts';
import { parseNote, utf8 } from '../core/note.ts';
import type { LogRecord } from '../core/record.ts';

/** What a command prints to, and whether it prints for a program. */
export type LogIo = {
  out: (line: string) => void;
  err: (line: string) => void;
  json: boolean;
};

const FINE = 0;
const PROBLEM = 1;
const BAD_USAGE = 2;

const DEFAULT_DIR = '.remit/log';

export const LOG_USAGE = {
  tail: 'remit log tail [--dir DIR] [-n N] [--json]',
  show: 'remit log show ID [--dir DIR] [--json]',
  prove: 'remit log prove ID [--dir DIR] [--out FILE] [--json]',
  verify: 'remit log verify [--dir DIR] [--key VKEY_OR_FILE] [--since FILE | --proof FILE] [--json]',
} as const;

/** Prints the last records that the newest checkpoint covers, oldest first. Verifies nothing. */
export async function logTail(args: string[], given: LogIo): Promise<number> {
  return run('tail', args, given, { n: { type: 'string', short: 'n', default: '10' } }, 0, ({ values, io }) => {
    const count = values.n ?? '';
    if (!/^[0-9]{1,9}$/.test(count)) return usage('tail', `\`${count}\` is not a number of records`, io);
    const { size } = newestCheckpoint(values.dir).checkpoint;
    for (const found of recordsBetween(values.dir, Math.max(0, size - Number(count)), size)) print(found, io);
    return FINE;
  });
}

/** Prints one record and, for a decision, what became of it. */
export async function logShow(args: string[], given: LogIo): Promise<number> {
  return run('show', args, given, {}, 1, ({ values, positionals, io }) => {
    const id = positionals[0]!;
    const { size } = newestCheckpoint(values.dir).checkpoint;
    const related: FoundRecord[] = [];
    for (const found of recordsBetween(values.dir, 0, size)) {
      const { record } = found;
      if (record.id === id || (record.kind === 'outcome' && record.decision === id)) related.push(found);
    }
    if (!related.some(({ record }) => record.id === id)) return notFound(id, io);
    for (const found of related) print(found, io);
    return FINE;
  });
}

/** Writes the self-contained proof of one record, to a file or to standard output. */
export async function logProve(args: string[], given: LogIo): Promise<number> {
  return run('prove', args, given, { out: { type: 'string' } }, 1, ({ values, positionals, io }) => {
    const id = positionals[0]!;
    const { text, checkpoint } = newestCheckpoint(values.dir);
    for (const { index, record } of recordsBetween(values.dir, 0, checkpoint.size)) {
      if (record.id !== id) continue;
      const proof = formatProof(proveEntry(values.dir, index, text, checkpoint));
      if (values.out !== undefined) {
        mkdirSync(dirname(values.out), { recursive: true });
        writeFileSync(values.out, proof);
      }
      const written = values.out === undefined ? { proof } : { file: values.out };
      if (io.json) io.out(JSON.stringify({ ok: true, id, index, size: checkpoint.size, ...written }));
      else if (values.out === undefined) io.out(proof.slice(0, -1));
      else io.out(`wrote the proof of record ${index} of ${checkpoint.size} to ${values.out}`);
      return FINE;
    }
    return notFound(id, io);
  });
}

/** Verifies the whole log, or with `--proof` one proof file, with the public key alone. */
export async function logVerify(args: string[], given: LogIo): Promise<number> {
  const options = { key: { type: 'string' }, since: { type: 'string' }, proof: { type: 'string' } } as const;
  return run('verify', args, given, options, 0, ({ values, io }) => {
    if (values.since !== undefined && values.proof !== undefined) {
      return usage('verify', '`--since` and `--proof` do not go together', io);
    }
    const vkey = verifierKey(values.dir, values.key);
    if (values.proof !== undefined) return reportProof(fileText(values.proof), vkey, io);
    const since = values.since === undefined ? undefined : fileText(values.since);
    const report = verifyLog(values.dir, vkey, since === undefined ? {} : { since });
    if (io.json) io.out(JSON.stringify(report));
    else for (const line of verifyText(report, values.key === undefined)) io.out(printable(line));
    return report.ok ? FINE : PROBLEM;
  });
}

function reportProof(text: string, vkey: string, io: LogIo): number {
  const report = verifyProof(text, vkey);
  if (io.json) {
    io.out(JSON.stringify(report));
  } else if (!report.ok) {
    io.out(printable(`not verified: ${report.problem}`));
  } else {
    io.out(printable(`verified: record ${report.index} of ${report.size} of \`${report.origin}\``));
    for (const line of recordText(report.index, report.record)) io.out(line);
  }
  return report.ok ? FINE : PROBLEM;
}

function verifyText(report: VerifyReport, ownKey: boolean): string[] {
  if (!report.ok) return [`not verified: ${report.problem}`];
  const { decision, outcome, event } = report.records;
  const lines = [
    `verified: ${report.size} records of \`${report.origin}\` (${decision} decisions, ${outcome} outcomes, ${event} events)`,
    `root: ${report.root}`,
  ];
  if (report.since !== undefined) lines.push(`continues the older checkpoint of ${report.since} records`);
  if (ownKey) lines.push(`the key is the folder's own \`${PUBLIC_KEY_FILE}\`: pass a copy that you kept with --key`);
  return lines;
}

type FoundRecord = { index: number; entry: string; record: LogRecord };

/** @throws LogFileError for what is no record. */
export function* recordsBetween(dir: string, start: number, end: number): Generator<FoundRecord> {
  for (const { index, entry } of readEntries(dir, start, end)) {
    const read = readRecord(utf8(entry));
    if ('problem' in read) throw new LogFileError(`record ${index} ${read.problem}`);
    yield { index, entry, record: read.record };
  }
}

function print({ index, entry, record }: FoundRecord, io: LogIo): void {
  if (io.json) io.out(`{"index":${index},"record":${entry}}`);
  else for (const line of recordText(index, record)) io.out(line);
}

/** Whether the folder has a log at all, good or not. */
export function hasLog(dir: string): boolean {
  return readText(dir, CHECKPOINT_FILE) !== null;
}

function newestCheckpoint(dir: string): { text: string; checkpoint: Checkpoint } {
  const text = readText(dir, CHECKPOINT_FILE);
  if (text === null) throw new LogFileError(`there is no log in \`${dir}\`: name its folder with --dir`);
  const note = parseNote(text);
  const checkpoint = note === null ? null : parseCheckpoint(note.text);
  if (checkpoint === null) throw new LogFileError(`\`${dir}/${CHECKPOINT_FILE}\` is damaged`);
  return { text, checkpoint };
}

/** `--key` is the key itself or a file with it; without it, the key that lies in the folder. @throws LogFileError */
export function verifierKey(dir: string, given: string | undefined): string {
  if (given === undefined) {
    const own = readText(dir, PUBLIC_KEY_FILE);
    if (own === null)
      throw new LogFileError(`there is no \`${PUBLIC_KEY_FILE}\` in \`${dir}\`: give the key with --key`);
    return own;
  }
  const bytes = readIfPresent(given);
  return bytes === null ? given : Buffer.from(bytes).toString('utf8');
}

function fileText(file: string): string {
  const bytes = readIfPresent(file);
  if (bytes === null) throw new LogFileError(`there is no file \`${file}\``);
  return Buffer.from(bytes).toString('utf8');
}

function notFound(id: string, io: LogIo): number {
  return problem(`the log has no record \`${id}\` under its newest checkpoint`, io);
}

function problem(message: string, io: LogIo): number {
  if (io.json) io.out(JSON.stringify({ ok: false, problem: message }));
  else io.err(printable(message));
  return PROBLEM;
}

function usage(command: keyof typeof LOG_USAGE, message: string, io: LogIo): number {
  io.err(printable(message));
  io.err(`usage: ${LOG_USAGE[command]}`);
  return BAD_USAGE;
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed = { values: { dir: string } & Record<string, string | undefined>; positionals: string[]; io: LogIo };

/** Parses the arguments and runs the command; what is wrong with the files is a problem found, not a crash. */
function run(
  command: keyof typeof LOG_USAGE,
  args: string[],
  io: LogIo,
  options: Options,
  ids: number,
  body: (parsed: Parsed) => number,
): number {
  let parsed: Parsed;
  try {
    const shared = {
      dir: { type: 'string', default: DEFAULT_DIR },
      json: { type: 'boolean', default: false },
    } as const;
    const { values, positionals } = parseArgs({ args, options: { ...shared, ...options }, allowPositionals: true });
    const { json, ...texts } = values;
    parsed = { values: texts as Parsed['values'], positionals, io: { ...io, json: io.json || json === true } };
  } catch (cause) {
    return usage(command, cause instanceof Error ? cause.message : 'bad arguments', io);
  }
  if (parsed.positionals.length !== ids) {
    return usage(command, ids === 1 ? 'give the id of one record' : 'this command takes no record id', io);
  }
  try {
    return body(parsed);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    if (cause instanceof LogFileError) return problem(cause.message, parsed.io);
    if (code !== '') return problem(`a file cannot be read or written${code}`, parsed.io);
    throw cause;
  }
}
