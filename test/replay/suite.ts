import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import type { PromptOrigin } from '../../src/core/task.ts';

/** A tool as its authors describe it. Nothing is known of it beyond this and what is configured about its results. */
export type Tool = { name: string; description: string; inputSchema: JsonObject };

/** One recorded or prescribed call. */
export type Call = {
  tool: string;
  args: JsonObject;
  /** What it returned; absent where nobody recorded that. */
  result?: JsonValue;
  /** Whether it is what an attacker wants, not what the delegator asked for. */
  attack?: boolean;
};

/** One task as an agent carried it out, or was led to. */
export type Episode = {
  /** Names it among all of its suite. */
  id: string;
  prompt: string;
  /** How far whoever wrote the prompt is to be trusted. */
  origin: PromptOrigin['trust'];
  parameters: JsonObject;
  /** What trusted look-ups have returned before the first call, where the suite has not recorded the look-ups. */
  lookedUp?: { args: JsonObject; result: JsonValue }[];
  calls: Call[];
};

/** One target with its tools and episodes. */
export type Suite = {
  name: string;
  tools: Tool[];
  /** Tools whose results hold what outsiders wrote. */
  outsiders: ReadonlySet<string>;
  benign: Episode[];
  attacks: Episode[];
};
