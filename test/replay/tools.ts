import type { JsonObject } from '../../src/core/json.ts';
import type { Tool } from './suite.ts';

/** `tools.json` of a suite: tools with a JSON Schema, or with a list of parameters in Python's types. */
export type ToolFile = Record<string, DescribedTool[]>;

type DescribedTool = {
  name: string;
  description?: string;
  docstring?: string;
  input_schema?: JsonObject;
  params?: { name: string; type: string; required?: boolean }[];
  /** Absent: `assistant`. Who may call it; what a simulated person does on a device of their own is no call of an agent. */
  scope?: string;
};

export function toolsOf(described: readonly DescribedTool[]): Tool[] {
  return described
    .filter(({ scope }) => scope === undefined || scope === 'assistant')
    .map(({ name, description, docstring, input_schema: schema, params }) => ({
      name,
      description: docstring ?? description ?? '',
      inputSchema: schema ?? schemaOf(params ?? []),
    }));
}

function schemaOf(params: NonNullable<DescribedTool['params']>): JsonObject {
  return {
    type: 'object',
    properties: Object.fromEntries(params.map(({ name, type }) => [name, typeSchema(type)])),
    required: params.filter(({ required }) => required === true).map(({ name }) => name),
  };
}

const TYPES: Readonly<Record<string, JsonObject>> = {
  str: { type: 'string' },
  int: { type: 'integer' },
  float: { type: 'number' },
  bool: { type: 'boolean' },
};

function typeSchema(type: string): JsonObject {
  const items = /^List\[(.*)\]$/i.exec(type)?.[1];
  if (items !== undefined) return { type: 'array', items: typeSchema(items) };
  return TYPES[type] ?? {};
}
