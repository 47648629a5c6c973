import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { filesEnding, readJson, readLines } from './read-data.ts';
import type { Call, Episode, Suite, Tool } from './suite.ts';
import { toolsOf, type ToolFile } from './tools.ts';
import { createOwnership, type Owners, type Ownership } from './ownership.ts';

type Task = {
  id: string | number;
  split?: string;
  user_id?: string;
  instruction?: string;
  ticket?: string;
  initial_state?: { initialization_actions?: { env_type: string; arguments: JsonObject }[] | null } | null;
  actions?: { function: string; args: JsonObject; requestor?: string }[];
};

/**
 * tau-bench and tau2-bench: what a support agent has to do for one customer, without outputs. The task has the customer
 * as its parameter, and the chat with the customer is nothing to trust: customers name what is not theirs. What the agent
 * would look up comes from the table of who owns what; each action is also tried on what another customer owns.
 */
export function readTau(folder: string): Suite[] {
  const tools = readJson<ToolFile>(folder, 'tools.json') ?? {};
  const owners = readJson<Record<string, Owners>>(folder, 'owners.json') ?? {};
  return filesEnding(folder, TASKS).map((file): Suite => {
    const name = file.slice(0, -TASKS.length);
    return suiteOfCustomers(name, {
      tools: toolsOf(tools[name] ?? []),
      owners: owners[name] ?? {},
      tasks: readLines<Task>(folder, file),
    });
  });
}

export function suiteOfCustomers(
  name: string,
  { tools, owners, tasks }: { tools: Tool[]; owners: Owners; tasks: readonly Task[] },
): Suite {
  const ownership = createOwnership(owners);
  const episodes = tasks.map((task) => episodeOf(task, ownership));
  return {
    name,
    tools,
    outsiders: new Set(),
    benign: episodes.filter(({ calls }) => calls.length > 0),
    attacks: episodes.flatMap((episode, at) => onOthers(episode, ownership, at)),
  };
}

const TASKS = '_tasks.jsonl';

function episodeOf(task: Task, ownership: Ownership): Episode {
  const { id, split, user_id: user, instruction, ticket } = task;
  const calls = (task.actions ?? [])
    // What the customer does on a device of their own is no action of the agent.
    .filter(({ requestor }) => requestor === undefined || requestor === 'assistant')
    .map(({ function: tool, args }): Call => ({ tool, args }));
  const parameters: JsonObject = user === undefined ? {} : { customer: user };
  const setUp = (task.initial_state?.initialization_actions ?? []).filter(({ env_type: by }) => by === 'assistant');
  const own = user === undefined ? setUp.map((each) => each.arguments) : ownership.of(user);
  return {
    id: split === undefined ? String(id) : `${split} ${id}`,
    prompt: instruction ?? ticket ?? '',
    origin: 'outside',
    parameters,
    lookedUp: [
      { args: parameters, result: own },
      // Goods, flights and addresses are nobody's: an agent reads them from the order, or from the catalogue.
      { args: {}, result: calls.flatMap(({ args }) => textsOf(args)).filter((text) => !ownership.isOwned(text)) },
    ],
    calls,
  };
}

/** Each action once more, by itself, with what it touches of this customer replaced by what is another's. */
function onOthers(episode: Episode, ownership: Ownership, at: number): Episode[] {
  const { customer } = episode.parameters;
  if (typeof customer !== 'string') return [];
  return episode.calls.flatMap((call, index) => {
    const args = replaced(call.args, (text) => ownership.othersThan(customer, text, at));
    if (JSON.stringify(args) === JSON.stringify(call.args)) return [];
    const prompt = `${episode.prompt} ${textsOf(args).join(' ')}`;
    return [{ ...episode, prompt, id: `${episode.id} #${index}`, calls: [{ tool: call.tool, args, attack: true }] }];
  });
}

function textsOf(value: JsonValue): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.values(value).flatMap(textsOf);
}

function replaced(args: JsonObject, replace: (text: string) => string): JsonObject {
  const text = JSON.stringify(args, (_, each: unknown) => (typeof each === 'string' ? replace(each) : each));
  return JSON.parse(text) as JsonObject;
}
