import { parseArgs } from 'node:util';
import { isJsonObject, type JsonValue } from '../core/json.ts';
import { callApi } from './api.ts';
import { UsageError, type Io } from './io.ts';
import type { ProfileWire } from './profile.ts';
import { capturedPrompt } from './prompt.ts';
import { readOption } from './read-option.ts';
import { LIMIT_OPTIONS, LIMIT_USAGE, limitsOf } from './task-limits.ts';
import { printTask, type TaskWire } from './task-text.ts';

export const REQUEST_USAGE = `remit task request --profile NAME[@VERSION] [--param NAME=VALUE]… [--agent SPIFFE_ID] [--purpose TEXT] [--grant FILE|JSON]
                  [--prompt FILE|-]
remit task request --agent SPIFFE_ID --purpose TEXT --grant FILE|JSON [--param NAME=VALUE]…
                  [--prompt FILE|-] ${LIMIT_USAGE}
                                    hand a task to an agent, of a named kind or in full; prints its id`;

/** A person hands a task to an agent. */
export async function requestTask(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      profile: { type: 'string' },
      agent: { type: 'string' },
      purpose: { type: 'string' },
      grant: { type: 'string' },
      ...LIMIT_OPTIONS,
      param: { type: 'string', multiple: true },
      prompt: { type: 'string' },
    },
  });
  const { profile, agent, purpose, grant, prompt, param = [], ...limits } = values;
  const complete = agent !== undefined && purpose !== undefined && grant !== undefined;
  if (profile === undefined && !complete) throw new UsageError(REQUEST_USAGE);
  const given = Object.fromEntries(param.map(parseParameter));
  const parameters = profile === undefined ? given : await typed(given, profile, io);
  const granted = await callApi<TaskWire>(io, 'POST', '/tasks', {
    ...(profile === undefined ? {} : { profile }),
    ...(agent === undefined ? {} : { agent }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(grant === undefined ? {} : { grant: readOption('grant', grant) }),
    parameters,
    ...(await capturedPrompt(prompt, io)),
    ...limitsOf(limits),
  });
  printTask(granted, io);
  return 0;
}

function parseParameter(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`\`--param ${text}\`: expected NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** A command line has texts alone; what the profile says is a number or a boolean is sent as one. */
async function typed(given: Record<string, string>, name: string, io: Io): Promise<Record<string, JsonValue>> {
  if (Object.keys(given).length === 0) return given;
  const { parameters } = await callApi<ProfileWire>(io, 'GET', `/profiles/${encodeURIComponent(name)}`);
  const { properties } = parameters;
  return Object.fromEntries(
    Object.entries(given).map(([parameter, text]) => {
      const schema = isJsonObject(properties) && Object.hasOwn(properties, parameter) ? properties[parameter] : null;
      const type = isJsonObject(schema) ? schema['type'] : undefined;
      return [parameter, valueOf(text, type)];
    }),
  );
}

/** What is not of its type is sent as it is: the answer says what was expected. */
function valueOf(text: string, type: JsonValue | undefined): JsonValue {
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const isNumber = (type === 'integer' || type === 'number') && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text);
  return isNumber ? Number(text) : text;
}
