import { parseArgs } from 'node:util';
import type { LabelsExplanation } from '../provenance/explain-labels.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const LABELS_USAGE = `remit labels show TASK                what the task, and all that belongs with it, has read
remit labels explain RECORD           why each argument of a recorded action is from where it is said to be
remit labels declassify TASK --value VALUE --reason TEXT
                                    answer for one value: it is trusted in this task from now on; no label goes`;

type KeptWire = { record: string; at: string };
type LabelsWire = { labels: (KeptWire & { label: string })[]; declassified: (KeptWire & { value: string })[] };

/** What tasks have read, why a value counts as it does, and the one thing that a person may change about it. */
export const labels: Command = async ([verb, ...args], io) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { value: { type: 'string' }, reason: { type: 'string' } },
  });
  const [id, ...more] = positionals;
  const known = verb === 'show' || verb === 'explain' || verb === 'declassify';
  if (!known || id === undefined || more.length > 0) throw new UsageError(LABELS_USAGE);
  if (verb === 'declassify') return declassify(id, values, io);
  if (values.value !== undefined || values.reason !== undefined) throw new UsageError(LABELS_USAGE);
  return verb === 'show' ? show(id, io) : explain(id, io);
};

async function show(task: string, io: Io): Promise<number> {
  const found = await callApi<LabelsWire>(io, 'GET', `/tasks/${encodeURIComponent(task)}/labels`);
  if (io.json) io.out(JSON.stringify(found));
  for (const { label, record, at } of io.json ? [] : found.labels) io.out(`${label}  since ${at}, by ${record}`);
  for (const { value, record, at } of io.json ? [] : found.declassified) {
    io.out(`answered for: ${value}  since ${at}, by ${record}`);
  }
  return 0;
}

async function explain(record: string, io: Io): Promise<number> {
  const found = await callApi<LabelsExplanation>(io, 'GET', `/labels/explain/${encodeURIComponent(record)}`);
  if (io.json) io.out(JSON.stringify(found));
  else for (const line of explanationText(found)) io.out(line);
  return 0;
}

export function explanationText({ record, target, operation, outcome, provenance, values, labels }: LabelsExplanation) {
  const lines = [`${record}: \`${operation}\` at \`${target}\`: ${outcome}`];
  for (const [name, origin] of Object.entries(provenance)) lines.push(`  ${name}: ${origin}`);
  for (const { path, origin, seen, text } of values) {
    const places = seen.map(({ id, what }) => `${what} (${id})`).join(', and in ');
    lines.push(`  ${path} is ${origin}: ${text}${places === '' ? '' : `: ${places}`}`);
  }
  lines.push(labels.length === 0 ? '  the task had read nothing' : `  the task had read: ${labels.join(', ')}`);
  return lines;
}

async function declassify(
  task: string,
  { value, reason }: { value?: string | undefined; reason?: string | undefined },
  io: Io,
): Promise<number> {
  if (value === undefined || reason === undefined) throw new UsageError(LABELS_USAGE);
  const path = `/tasks/${encodeURIComponent(task)}/declassify`;
  const made = await callApi<KeptWire & { value: string }>(io, 'POST', path, { value, reason });
  io.out(io.json ? JSON.stringify(made) : `\`${made.value}\` is trusted in ${task} from now on (${made.record})`);
  return 0;
}
