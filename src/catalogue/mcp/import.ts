import { InvalidConfig } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { MAX_OPERATIONS, type ImportedOperation, type ImportedTarget } from '../imported.ts';

export type McpSource = {
  /** What messages call the server. */
  from: string;
  /** As `tools/list` has them. */
  tools: readonly unknown[];
  /** The `upstream` of the target file. */
  upstream: JsonObject;
  wanted?: (name: string, request: string) => boolean;
};

/**
 * The tools of an MCP server as a target. What the server says of them is what the guesses are made from, and no more.
 *
 * @throws InvalidConfig when there is no tool, or one without a name of its own.
 */
export function importMcp({ from, tools, upstream, wanted = () => true }: McpSource): ImportedTarget {
  const operations = new Map<string, ImportedOperation>();
  for (const tool of tools) {
    if (!isJsonObject(tool) || typeof tool['name'] !== 'string' || tool['name'] === '') {
      throw new InvalidConfig(`${from}: lists a tool without a name; the server needs to be repaired`);
    }
    const { name } = tool;
    if (operations.has(name))
      throw new InvalidConfig(`${from}: lists the tool \`${name}\` twice; it cannot be told apart`);
    if (wanted(name, '')) operations.set(name, operationOf(name, tool));
  }
  if (operations.size === 0) throw new InvalidConfig(`${from}: lists no tool that was asked for`);
  if (operations.size > MAX_OPERATIONS) {
    throw new InvalidConfig(
      `${from}: lists more than ${MAX_OPERATIONS} tools; import those that agents need with \`--only\``,
    );
  }
  return {
    protocol: 'mcp',
    upstream,
    credential: { form: undefined, comments: [] },
    operations: [...operations.values()],
    notes: [],
  };
}

function operationOf(name: string, tool: JsonObject): ImportedOperation {
  const { description, inputSchema, outputSchema, annotations } = tool;
  const hints = isJsonObject(annotations) ? annotations : undefined;
  return {
    name,
    described: {
      name,
      description: typeof description === 'string' ? description : undefined,
      inputSchema: isJsonObject(inputSchema) ? inputSchema : undefined,
      outputSchema: isJsonObject(outputSchema) ? outputSchema : undefined,
      hints,
    },
    wire: {},
    notes: [],
  };
}
