import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { printable } from '../audit/record-text.ts';
import type { Grant } from '../core/grant.ts';
import { callApi } from './api.ts';
import { UsageError, type Io } from './io.ts';
import { grantText } from './task-text.ts';

export const TASK_USAGE_USAGE = `remit task usage ID | --agent SPIFFE_ID [--since TIME]   what was granted against what was used (of an agent's
                                    tasks: of the last 30 days), and the narrower profile`;

type UsageWire = {
  tasks: string[];
  since: string;
  complete: boolean;
  grants: {
    grant: Grant;
    operations: { operation: string; times: number; resources: { name: string; times: number }[] }[];
    unused_resources: string[];
  }[];
  proposed: { grant: Grant[] } | null;
};

const MONTH_MS = 30 * 24 * 60 * 60_000;

/** Granted against used, over one task or over those of an agent. */
export async function taskUsage(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { agent: { type: 'string' }, since: { type: 'string' } },
  });
  const usage = await callApi<UsageWire>(io, 'GET', pathOf(positionals, values));
  if (io.json) io.out(JSON.stringify(usage));
  else for (const line of usageText(usage)) io.out(printable(line));
  return 0;
}

function pathOf([id, ...rest]: string[], { agent, since }: { agent?: string; since?: string }): string {
  if (rest.length > 0 || (id === undefined) === (agent === undefined)) throw new UsageError(TASK_USAGE_USAGE);
  if (id !== undefined) return `/tasks/${encodeURIComponent(id)}/usage`;
  const from = since === undefined ? Date.now() - MONTH_MS : Date.parse(since);
  if (Number.isNaN(from)) throw new UsageError(`\`--since ${since}\`: expected a time such as 2026-11-01T00:00:00Z`);
  const query = new URLSearchParams({ agent: agent!, since: new Date(from).toISOString() });
  return `/usage?${query.toString()}`;
}

function usageText({ tasks, since, complete, grants, proposed }: UsageWire): string[] {
  const many = tasks.length === 1 ? tasks[0]! : `${tasks.length} tasks`;
  const more = complete ? '' : '; there is more than was looked at, so what was used is at least this';
  return [
    `${many} since ${since}${more}`,
    ...grants.flatMap(({ grant, operations, unused_resources: unused }) => [
      ...grantText([grant]),
      ...operations.map(({ operation, times, resources }) => `    ${operation}  ${usedText(times, resources)}`),
      ...unused.map((pattern) => `    ${pattern}  unused`),
    ]),
    ...(proposed === null
      ? ['nothing was done, so nothing of it is needed']
      : [
          '',
          '# The narrowest profile for what was done. Review it before use.',
          ...profileFile(proposed).trimEnd().split('\n'),
        ]),
  ];
}

/** As a file has it: the type of a grant goes without saying. */
function profileFile(proposed: { grant: Grant[] }): string {
  return stringify({ ...proposed, grant: proposed.grant.map(({ type: _type, ...grant }) => grant) });
}

const MOST_SHOWN = 5;

function usedText(times: number, resources: UsageWire['grants'][number]['operations'][number]['resources']): string {
  if (times === 0) return 'unused';
  const shown = resources.slice(0, MOST_SHOWN).map(({ name, times: of }) => (of === 1 ? name : `${name} (${of})`));
  const rest = resources.length > MOST_SHOWN ? [`${resources.length - MOST_SHOWN} more`] : [];
  const on = shown.length === 0 ? '' : `: ${[...shown, ...rest].join(', ')}`;
  return `${times} ${times === 1 ? 'time' : 'times'}${on}`;
}
