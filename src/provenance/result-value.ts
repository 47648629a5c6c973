import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';

/** Longest text that is taken for JSON. */
const MAX_JSON = 4 * 2 ** 20;
/** As deep as is looked: deeper, it stays the text that it is. */
const MAX_DEPTH = 64;

/**
 * What the agent gets to read of a result: of an MCP result, its structured content and its texts (2025-11-25, Tools), of
 * which those that are JSON count as what they say; of anything else, all of it.
 */
export function resultValue(result: JsonObject): JsonValue {
  const { content, structuredContent, contents, messages } = result;
  if (!Array.isArray(content) && !Array.isArray(contents) && !Array.isArray(messages)) return result;
  const read: JsonValue[] = structuredContent === undefined ? [] : [structuredContent];
  for (const block of [content, contents].flatMap((each) => (Array.isArray(each) ? each : []))) {
    read.push(isJsonObject(block) ? blockValue(block) : block);
  }
  if (Array.isArray(messages)) read.push(messages);
  return read.length === 1 ? read[0]! : read;
}

function blockValue(block: JsonObject): JsonValue {
  const { type, text, resource, data: _data, blob: _blob, ...rest } = block;
  if (isJsonObject(resource)) return blockValue(resource);
  // A picture is no text; its other members are.
  if (typeof text !== 'string') return rest;
  return type === 'text' || type === undefined ? textValue(text) : [rest, textValue(text)];
}

/** A text that is JSON as what it says. */
export function textValue(text: string): JsonValue {
  const start = /^\s*([[{])/.exec(text);
  if (start === null || text.length > MAX_JSON) return text;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isDeep(value) ? text : value;
  } catch {
    return text;
  }
}

function isDeep(value: JsonValue): boolean {
  const pending = [{ value, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue;
    if (next.depth >= MAX_DEPTH) return true;
    for (const member of Object.values(next.value)) pending.push({ value: member, depth: next.depth + 1 });
  }
  return false;
}
