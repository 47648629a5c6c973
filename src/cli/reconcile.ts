import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readRecord } from '../audit/check-record.ts';
import { LogFileError } from '../audit/log-files.ts';
import { printable } from '../audit/record-text.ts';
import { verifyLog } from '../audit/verify.ts';
import { readYaml } from '../config/yaml-file.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import { utf8 } from '../core/note.ts';
import type { LogRecord } from '../core/record.ts';
import { GENERIC, mappingForm } from '../reconcile/mapping.ts';
import type { Finding } from '../reconcile/match.ts';
import { EventFileError, MOST_BYTES, readTargetEvents } from '../reconcile/read-events.ts';
import { reportedEvents } from '../reconcile/reported-events.ts';
import { reconcile, type Reconciled, type Window } from '../reconcile/reconcile.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { recordsBetween, verifierKey } from './log.ts';

export const RECONCILE_USAGE = `remit reconcile --target NAME (--events FILE [--mapping FILE] | --reported) [--since TIME] [--until TIME]
                [--dir DIR [--key VKEY_OR_FILE] | --api]
                                                  a target's own log against the records: what was done around Remit,
                                                  what was recorded and not done; exit 1 when they do not agree`;

const FINE = 0;
const DISAGREES = 1;

/** The records of one answer of the API. */
const PAGE = 500;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Compares a target's own log with the records, of a folder of the log (verified first) or of the API. */
export const reconcileCommand: Command = async (args, io) => {
  const { target, events: file, mapping: mappingFile, window, dir, key, api } = readArguments(args, io);
  const mapping = mappingFile === undefined ? GENERIC : readYaml(mappingFile, mappingForm);
  try {
    // Read before the log is: what is wrong with it is said at once.
    const given = file === undefined ? null : readTargetEvents(bytesOf(file), mapping);
    const records = api ? await recordsOfApi(io) : [...recordsOfFolder(dir, key)];
    const events = given ?? reportedEvents(records, target);
    const result = reconcile({ target, events, records, mapping, window }, sha256);
    report(target, result, io);
    return result.findings.length === 0 ? FINE : DISAGREES;
  } catch (error) {
    if (error instanceof EventFileError) throw new UsageError(`remit: ${file ?? target}: ${error.message}`);
    if (error instanceof LogFileError) throw new UsageError(`remit: ${error.message}`);
    throw error;
  }
};

type Arguments = {
  target: string;
  /** `undefined`: what the target has reported. */
  events: string | undefined;
  mapping?: string | undefined;
  window: Window;
  dir: string;
  key?: string | undefined;
  api: boolean;
};

function readArguments(args: string[], io: Io): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: 'string' },
      events: { type: 'string' },
      mapping: { type: 'string' },
      reported: { type: 'boolean', default: false },
      since: { type: 'string' },
      until: { type: 'string' },
      dir: { type: 'string' },
      key: { type: 'string' },
      api: { type: 'boolean', default: false },
    },
  });
  const { target, events, reported, dir, key, api } = values;
  const withFile = (events ?? values.mapping) !== undefined;
  if (
    target === undefined ||
    (events === undefined) !== reported ||
    (reported && withFile) ||
    (api && (dir ?? key) !== undefined)
  )
    throw new UsageError(RECONCILE_USAGE);
  return {
    target,
    events,
    mapping: values.mapping,
    window: { from: timeOf('since', values.since, -Infinity), to: timeOf('until', values.until, Infinity) },
    dir: dir ?? `${io.dataDir}/log`,
    key,
    api,
  };
}

function timeOf(option: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const time = Date.parse(given);
  if (Number.isNaN(time))
    throw new UsageError(`\`--${option} ${given}\`: expected a time such as 2026-11-01T00:00:00Z`);
  return time;
}

function bytesOf(file: string): Uint8Array {
  try {
    // Asked before it is read: a file of that size would not fit.
    if (statSync(file).size > MOST_BYTES)
      throw new EventFileError(`it is larger than ${MOST_BYTES} bytes; compare it in parts`);
    return readFileSync(file);
  } catch (cause) {
    if (cause instanceof EventFileError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new EventFileError(`cannot be read (${code}); check the path and its permissions`, { cause });
  }
}

/** What stands in a log that somebody has changed is no evidence: it is verified as a whole first. */
function* recordsOfFolder(dir: string, key: string | undefined): Generator<LogRecord> {
  const report = verifyLog(dir, verifierKey(dir, key));
  if (!report.ok) throw new LogFileError(`the log is not verified, so nothing was compared: ${report.problem}`);
  for (const { record } of recordsBetween(dir, 0, report.size)) yield record;
}

async function recordsOfApi(io: Io): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  let size = Infinity;
  for (let start = 0; start < size;) {
    const path = `/log/records?start=${start}&limit=${PAGE}`;
    const answer = await callApi<{ size: number; records: { index: number; record: unknown }[] }>(io, 'GET', path);
    // Reading is recorded, too: only what was there at the first question is compared.
    size = Math.min(size, answer.size);
    for (const { index, record } of answer.records) {
      const read = readRecord(utf8(canonicalJson(record as JsonObject)));
      if ('problem' in read) throw new LogFileError(`record ${index} ${read.problem}`);
      records.push(read.record);
    }
    if (answer.records.length === 0) break;
    start = answer.records.at(-1)!.index + 1;
  }
  return records;
}

function report(target: string, result: Reconciled, io: Io): void {
  const { findings, ...counts } = result;
  if (io.json) {
    io.out(JSON.stringify({ ok: findings.length === 0, target, ...counts, findings: findings.map(wireOf) }));
    return;
  }
  for (const finding of findings) for (const line of textOf(finding)) io.out(printable(line));
  const { events, permits, matched, duplicates, refused, others } = counts;
  const besides = [
    [duplicates, 'seen again'],
    [refused, 'refused by the target'],
    [others, "of others' credentials"],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  const rest = besides.length === 0 ? '' : ` (${besides.join(', ')})`;
  io.out(`${events} events${rest}, ${permits} permits, ${matched} of both agree`);
  io.out(findings.length === 0 ? `\`${target}\` and the records agree` : `${findings.length} do not agree`);
}

function wireOf({ kind, why, event, call }: Finding): object {
  return {
    kind,
    why,
    ...(event === null
      ? {}
      : {
          event: {
            place: event.place,
            time: new Date(event.time).toISOString(),
            id: event.id,
            credential: event.credential,
            source: event.source,
            operation: event.operation,
            resource: event.resource,
          },
        }),
    ...(call === null
      ? {}
      : {
          record: {
            id: call.record,
            time: new Date(call.time).toISOString(),
            operation: call.operation,
            resources: call.resources,
            agent: call.agent,
            delegator: call.delegator,
            task: call.task,
          },
        }),
  };
}

const TITLES: Readonly<Record<Finding['kind'], string>> = {
  bypass: 'done around Remit',
  no_effect: 'recorded and not done',
  other_principal: 'used by another',
  not_permitted: 'done and not permitted',
  differs: 'done otherwise',
};

function textOf({ kind, why, event, call }: Finding): string[] {
  const lines = [`${TITLES[kind]}: ${why}`];
  if (event !== null) {
    const { place, time, operation, resource, credential, source } = event;
    const what = [operation ?? 'an unknown operation', resource === null ? '' : `on ${resource}`]
      .filter(Boolean)
      .join(' ');
    const who = [credential === null ? '' : `by ${credential}`, source === null ? '' : `from ${source}`]
      .filter(Boolean)
      .join(' ');
    lines.push(`    event     ${place}  ${new Date(time).toISOString()}  ${what}${who === '' ? '' : `  ${who}`}`);
  }
  if (call !== null) {
    const { record, time, operation, agent, delegator, task } = call;
    lines.push(`    record    ${record}  ${new Date(time).toISOString()}  ${operation}`);
    lines.push(`    agent     ${agent ?? 'none'} for ${delegator ?? 'nobody'}, task ${task ?? 'none'}`);
  }
  return lines;
}
