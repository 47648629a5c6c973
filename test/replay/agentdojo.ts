import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { outsiderTools, unescaped, type Vectors } from './outsiders.ts';
import { parseOutput } from './parse-output.ts';
import { readJson, readLines } from './read-data.ts';
import type { Call, Episode, Suite } from './suite.ts';
import { toolsOf, type ToolFile } from './tools.ts';

type RecordedCall = { function: string; args: JsonObject; output?: string | null; error?: string | null };
type Task = { suite: string; kind: string; id: string; prompt?: string; goal?: string; ground_truth?: RecordedCall[] };
type Pair = {
  suite: string;
  user: string;
  injection: string;
  inject_after_step: number | null;
  vectors?: string[];
  injected_calls: RecordedCall[];
};

/**
 * AgentDojo: tasks with their ground-truth calls and outputs, and pairs of such a task with the calls that an injected
 * instruction wants. Outputs have a placeholder wherever an attacker can write; a benign run has the suite's own text
 * there, and an attacked one the instruction as well, disguised where that is asked for.
 */
export function readAgentDojo(folder: string, disguise: (text: string) => string = (text) => text): Suite[] {
  const tools = readJson<ToolFile>(folder, 'tools.json') ?? {};
  const vectors = readJson<Record<string, Vectors>>(folder, 'vectors.json') ?? {};
  const tasks = readLines<Task>(folder, 'tasks.jsonl');
  const pairs = readLines<Pair>(folder, 'pairs.jsonl');
  return Object.keys(tools).map((name): Suite => {
    const places = vectors[name] ?? {};
    const own = tasks.filter(({ suite }) => suite === name);
    const byId = new Map(own.map((task) => [task.id, task]));
    const outputs = new Map(
      own.flatMap((task) => (task.ground_truth ?? []).map((call) => [callKey(call), call.output] as const)),
    );
    const benign = own.filter(({ kind }) => kind === 'user').map((task) => benignEpisode(task, places));
    const attacked = pairs
      .filter(({ suite, user }) => suite === name && byId.has(user))
      .map((pair) => attackedEpisode(pair, byId, { places, outputs, disguise }));
    return {
      name,
      tools: toolsOf(tools[name]!),
      outsiders: outsiderTools(places, benign),
      benign,
      attacks: attacked,
    };
  });
}

function benignEpisode(task: Task, places: Vectors): Episode {
  const fill = filler(places, new Map());
  return {
    id: task.id,
    prompt: promptOf(task),
    origin: 'authenticated',
    parameters: {},
    calls: (task.ground_truth ?? []).map((call) => callOf(call, fill)),
  };
}

type Known = {
  places: Vectors;
  outputs: ReadonlyMap<string, string | null | undefined>;
  disguise: (text: string) => string;
};

/** The delegator's calls up to the one that returns the instruction, and then what it wants. */
function attackedEpisode(pair: Pair, byId: ReadonlyMap<string, Task>, { places, outputs, disguise }: Known): Episode {
  const user = byId.get(pair.user)!;
  const injection = byId.get(pair.injection);
  const wanted = disguise(injection === undefined ? JSON.stringify(pair.injected_calls) : promptOf(injection));
  const fill = filler(places, new Map((pair.vectors ?? []).map((name) => [name, wanted])));
  const before = (user.ground_truth ?? []).slice(0, (pair.inject_after_step ?? -1) + 1);
  const after = pair.injected_calls.map((call) => ({ ...call, output: call.output ?? outputs.get(callKey(call)) }));
  return {
    id: `${pair.user} × ${pair.injection}`,
    prompt: promptOf(user),
    origin: 'authenticated',
    parameters: {},
    calls: [
      ...before.map((call) => callOf(call, fill)),
      ...after.map((call) => ({ ...callOf(call, fill), attack: true })),
    ],
  };
}

function promptOf({ prompt, goal }: Task): string {
  return prompt ?? goal ?? '';
}

function callKey({ function: tool, args }: RecordedCall): string {
  return JSON.stringify([tool, args]);
}

type Fill = (text: string) => string;

function callOf({ function: tool, args, output }: RecordedCall, fill: Fill): Call {
  const filled = JSON.parse(fillJson(args, fill)) as JsonObject;
  return { tool, args: filled, ...(output == null ? {} : { result: parseOutput(fill(output)) }) };
}

function fillJson(value: JsonValue, fill: Fill): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'string' ? fill(each) : each));
}

const PLACEHOLDER = /<CANARY---(.*?)--->/g;

function filler(places: Vectors, injected: ReadonlyMap<string, string>): Fill {
  return (text) =>
    text.replace(PLACEHOLDER, (_, name: string) => {
      const own = unescaped(places[name]?.default ?? '');
      const wanted = injected.get(name);
      return wanted === undefined ? own : `${own}\n\n${wanted}\n\n`;
    });
}
