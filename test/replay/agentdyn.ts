import { join } from 'node:path';
import type { JsonObject } from '../../src/core/json.ts';
import { outsiderTools, type Vectors } from './outsiders.ts';
import { parseOutput } from './parse-output.ts';
import { filesEnding, readJson, readLines } from './read-data.ts';
import type { Call, Episode, Suite } from './suite.ts';
import { toolsOf, type ToolFile } from './tools.ts';

type Step = { f: string; args: JsonObject; out?: string; lab?: string };
type Run = {
  model: string;
  suite: string;
  user_task: string;
  injection_task: string | null;
  kind: string;
  prompt: string;
  steps: Step[];
  utility: boolean | null;
  attack_succeeded: boolean | null;
};

/**
 * AgentDyn: what real models did, undefended, with the upstream verdict on each run and a label on each
 * attacked call. What was not carried through, by the agent's own doing, is neither a benign task nor an attack.
 */
export function readAgentDyn(folder: string): Suite[] {
  const tools = readJson<ToolFile>(folder, 'tools.json') ?? {};
  const vectors = readJson<Record<string, Vectors>>(folder, 'vectors.json') ?? {};
  const outputs = readJson<Record<string, string>>(folder, 'outputs.json') ?? {};
  const runs = filesEnding(join(folder, 'runs'), '.jsonl').flatMap((name) =>
    readLines<Run>(join(folder, 'runs'), name),
  );
  return Object.keys(tools).map((name): Suite => {
    const own = runs.filter(({ suite }) => suite === name);
    const undisturbed = own.filter(({ kind }) => kind === 'benign');
    return {
      name,
      tools: toolsOf(tools[name]!),
      outsiders: outsiderTools(
        vectors[name] ?? {},
        undisturbed.map((run) => episodeOf(run, outputs)),
      ),
      benign: undisturbed.filter(({ utility }) => utility === true).map((run) => episodeOf(run, outputs)),
      attacks: own
        .filter(({ kind, attack_succeeded: succeeded }) => kind === 'attacked' && succeeded === true)
        .map((run) => episodeOf(run, outputs)),
    };
  });
}

function episodeOf(run: Run, outputs: Readonly<Record<string, string>>): Episode {
  const { model, user_task: user, injection_task: injection, prompt, steps } = run;
  return {
    id: `${model}: ${user}${injection === null ? '' : ` × ${injection}`}`,
    prompt,
    origin: 'authenticated',
    parameters: {},
    calls: steps.map((step): Call => {
      const output = step.out === undefined ? undefined : outputs[step.out];
      return {
        tool: step.f,
        args: step.args,
        ...(output === undefined ? {} : { result: parseOutput(output) }),
        ...(isAttack(step) ? { attack: true } : {}),
      };
    }),
  };
}

function isAttack({ lab }: Step): boolean {
  return lab?.startsWith('attack') ?? false;
}
