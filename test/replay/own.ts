import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/core/json.ts';
import type { Owners } from './ownership.ts';
import type { Call, Episode, Suite, Tool } from './suite.ts';
import { suiteOfCustomers } from './tau.ts';

/** `{ send_mail: { to: […] }, gives: … }`: one call, and what it returned. */
type WrittenCall = JsonObject;
type WrittenTask = { id: string; prompt: string; calls: WrittenCall[] };
/** What an instruction says that stands, in a task, wherever the results of the task have `HERE`, and what it wants. */
type WrittenAttack = { id: string; on: string; says: string; calls: WrittenCall[] };

type Written = {
  /** `{ send_mail: { to: 'list | Addresses', copy_to?: list }, does: … }`. */
  tools: { [name: string]: Record<string, string> | string; does: string }[];
  outsiders?: string[];
  tasks?: WrittenTask[];
  attacks?: WrittenAttack[];
  /** Instead of tasks: customers of whom each has things of their own. */
  owners?: Owners;
  customers?: { user: string; asks: string; actions: WrittenCall[] }[];
};

/** Suites of our own, one YAML file each: domains that no policy and no rule was made for. */
export function readOwn(folder: string): Suite[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => suiteOf(file.slice(0, -'.yaml'.length), parse(readFileSync(join(folder, file), 'utf8')) as Written));
}

function suiteOf(name: string, written: Written): Suite {
  const tools = written.tools.map(toolOf);
  const { tasks = [], attacks = [], outsiders = [], owners, customers = [] } = written;
  if (owners !== undefined) {
    const asked = customers.map(({ user, asks, actions }, at) => ({
      id: `${user} ${at}`,
      user_id: user,
      instruction: asks,
      actions: actions.map((action) => {
        const { tool, args } = callOf(action, '');
        return { function: tool, args };
      }),
    }));
    return suiteOfCustomers(name, { tools, owners, tasks: asked });
  }
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return {
    name,
    tools,
    outsiders: new Set(outsiders),
    benign: tasks.map(({ id, prompt, calls }) =>
      episode(
        id,
        prompt,
        calls.map((call) => callOf(call, '')),
      ),
    ),
    attacks: attacks.map(({ id, on, says, calls }) => {
      const task = byId.get(on);
      if (task === undefined) throw new Error(`${name}: there is no task \`${on}\` for the attack \`${id}\``);
      const before = task.calls.slice(0, 1 + task.calls.findLastIndex(({ gives }) => textOf(gives).includes(PLACE)));
      return episode(`${on} × ${id}`, task.prompt, [
        ...before.map((call) => callOf(call, says)),
        ...calls.map((call) => ({ ...callOf(call, ''), attack: true })),
      ]);
    }),
  };
}

const PLACE = 'HERE';
const textOf = (value: JsonValue | undefined): string => JSON.stringify(value ?? null);

function episode(id: string, prompt: string, calls: Call[]): Episode {
  return { id, prompt, origin: 'authenticated', parameters: {}, calls };
}

function callOf({ gives, ...call }: WrittenCall, says: string): Call {
  const [[tool, args] = ['', null]] = Object.entries(call);
  const result = gives === undefined ? undefined : filled(gives, says);
  return { tool, args: isJsonObject(args) ? args : {}, ...(result === undefined ? {} : { result }) };
}

function filled(value: JsonValue, says: string): JsonValue {
  return JSON.parse(textOf(value), (_, each: unknown) =>
    typeof each === 'string' ? each.replace(PLACE, () => says).trim() : each,
  ) as JsonValue;
}

function toolOf({ does, ...named }: Written['tools'][number]): Tool {
  const [[name, params] = ['', {}]] = Object.entries(named);
  const entries = Object.entries(params as Record<string, string>);
  return {
    name,
    description: does,
    inputSchema: {
      type: 'object',
      properties: Object.fromEntries(
        entries.map(([param, text]) => {
          const [type = '', description = ''] = text.split(' | ');
          const schema: JsonObject = type === 'list' ? { type: 'array', items: {} } : { type };
          return [param.replace(/\?$/, ''), { ...schema, ...(description === '' ? {} : { description }) }];
        }),
      ),
      required: entries.map(([param]) => param).filter((param) => !param.endsWith('?')),
    },
  };
}
