import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import type { Grant } from '../core/grant.ts';
import { printable } from '../audit/record-text.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const TASK_USAGE = `remit task request --agent SPIFFE_ID --purpose TEXT --grant FILE|JSON [--sensitivity LEVEL]
                  [--minutes N] [--calls N] [--param NAME=VALUE]…   hand a task to an agent; prints its id
remit task list [--state STATE]     your tasks, newest first
remit task show ID                  one task
remit task complete ID              it is done: everything under it ends
remit task revoke ID --reason TEXT  take it back: everything under it ends`;

type TaskWire = {
  id: string;
  state: string;
  agent: string;
  purpose: string;
  grant: Grant[];
  sensitivity: string;
  expires_at: string;
  budget: { calls: number };
  used: { calls: number };
  end_reason?: string;
};

export const task: Command = async ([verb = '', ...args], io) => {
  switch (verb) {
    case 'request':
      return requestTask(args, io);
    case 'list': {
      const { values } = parseArgs({ args, options: { state: { type: 'string' } } });
      const query = values.state === undefined ? '' : `?state=${encodeURIComponent(values.state)}`;
      const { tasks } = await callApi<{ tasks: TaskWire[] }>(io, 'GET', `/tasks${query}`);
      for (const each of tasks) print(each, io);
      if (tasks.length === 0 && !io.json) io.out('no tasks');
      return 0;
    }
    case 'show':
      print(await callApi<TaskWire>(io, 'GET', `/tasks/${one(args)}`), io);
      return 0;
    case 'complete':
      print(await callApi<TaskWire>(io, 'POST', `/tasks/${one(args)}/complete`), io);
      return 0;
    case 'revoke': {
      const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { reason: { type: 'string' } },
      });
      const reason = values.reason ?? 'revoked by its delegator';
      print(await callApi<TaskWire>(io, 'POST', `/tasks/${one(positionals)}/revoke`, { reason }), io);
      return 0;
    }
    default:
      throw new UsageError(TASK_USAGE);
  }
};

async function requestTask(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      agent: { type: 'string' },
      purpose: { type: 'string' },
      grant: { type: 'string' },
      sensitivity: { type: 'string' },
      minutes: { type: 'string' },
      calls: { type: 'string' },
      param: { type: 'string', multiple: true },
    },
  });
  const { agent, purpose, grant, sensitivity, minutes, calls, param = [] } = values;
  if (agent === undefined || purpose === undefined || grant === undefined) throw new UsageError(TASK_USAGE);
  const granted = await callApi<TaskWire>(io, 'POST', '/tasks', {
    agent,
    purpose,
    grant: readGrant(grant),
    parameters: Object.fromEntries(param.map(parseParameter)),
    origin: { channel: 'cli', trust: 'authenticated' },
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(minutes === undefined ? {} : { lifetime_seconds: Math.round(numberOf('minutes', minutes) * 60) }),
    ...(calls === undefined ? {} : { calls: numberOf('calls', calls) }),
  });
  print(granted, io);
  return 0;
}

/** A file of YAML or JSON, or the same inline. */
export function readGrant(grant: string): unknown {
  try {
    return parseYaml(existsSync(grant) ? readFileSync(grant, 'utf8') : grant);
  } catch (cause) {
    throw new UsageError('`--grant` is neither a file nor a list of grants in YAML or JSON', { cause });
  }
}

function numberOf(option: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new UsageError(`\`--${option} ${text}\`: expected a positive number`);
  return value;
}

function parseParameter(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`\`--param ${text}\`: expected NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function one(args: string[]): string {
  const [id, ...rest] = args;
  if (id === undefined || rest.length > 0) throw new UsageError(TASK_USAGE);
  return encodeURIComponent(id);
}

function print(wire: TaskWire, io: Io): void {
  if (io.json) io.out(JSON.stringify(wire));
  else for (const line of textOf(wire)) io.out(printable(line));
}

function textOf(wire: TaskWire): string[] {
  const ended = wire.end_reason === undefined ? '' : ` (${wire.end_reason})`;
  return [
    `${wire.id}  ${wire.state}${ended}  until ${wire.expires_at}`,
    `  ${wire.purpose}`,
    `  agent ${wire.agent}, ${wire.used.calls} of ${wire.budget.calls} calls, up to ${wire.sensitivity}`,
    ...wire.grant.map((grant) => {
      const effects = (grant.effects ?? []).map((effect) => `every ${effect}`);
      const what = [...(grant.operations ?? []), ...effects].join(', ');
      const where = grant.resources === undefined ? '' : ` on ${grant.resources.join(', ')}`;
      return `  at ${grant.target}: ${what}${where}${grant.arguments === undefined ? '' : ', for some arguments only'}`;
    }),
  ];
}
