import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { matchesPattern } from '../../core/resource.ts';
import { definitionState, observeTools, toolsOf } from './definitions.ts';
import type { InboundCall, McpExchange } from './request.ts';
import type { McpParts } from './parts.ts';
import type { Channel } from './upstream/channel.ts';

/** Says in a list that something is missing from it, so that an empty list is not taken for an empty target. */
const FILTERED = 'dev.remit/filtered';

/** A list as this caller may see it: what could not be permitted is hidden, page by page; cursors are untouched. */
export async function filterList(
  call: InboundCall,
  channel: Channel,
  exchange: McpExchange,
  result: JsonObject,
  parts: McpParts,
): Promise<JsonObject> {
  if (call.method.kind !== 'protocol' || call.method.lists === undefined) return result;
  const { target } = exchange.request;
  switch (call.method.lists) {
    case 'tools':
      await observeTools(channel, target, toolsOf(result), parts);
      return keepItems(result, 'tools', (tool) => showsTool(tool, channel, exchange, parts));
    case 'prompts':
      return keepItems(result, 'prompts', () => isListable('prompts/get', exchange, parts));
    case 'resources':
      return keepItems(result, 'resources', (item) => showsResource(item['uri'], exchange, parts));
    case 'resourceTemplates':
      return keepItems(result, 'resourceTemplates', () => isListable('resources/read', exchange, parts));
  }
}

function keepItems(result: JsonObject, member: string, shows: (item: JsonObject) => boolean): JsonObject {
  const items = Array.isArray(result[member]) ? result[member] : [];
  const kept = items.filter((item) => isJsonObject(item) && shows(item));
  const hidden = items.length - kept.length;
  if (hidden === 0) return result;
  const meta = isJsonObject(result['_meta']) ? result['_meta'] : {};
  const reason = 'not permitted under this task, or not accepted for this target';
  return { ...result, [member]: kept, _meta: { ...meta, [FILTERED]: { hidden, reason } } };
}

function showsTool(tool: JsonObject, channel: Channel, exchange: McpExchange, parts: McpParts): boolean {
  const name = tool['name'];
  if (typeof name !== 'string') return false;
  if (definitionState(channel, exchange.request.target, name, parts) !== 'pinned') return false;
  return isListable(name, exchange, parts);
}

function isListable(operation: string, exchange: McpExchange, parts: McpParts): boolean {
  const { target } = exchange.request;
  const config = Object.hasOwn(target.operations, operation) ? target.operations[operation] : undefined;
  if (config === undefined || exchange.caller === undefined) return false;
  return parts.listable(exchange.caller, target.name, {
    name: operation,
    effect: config.effect,
    sensitivity: config.sensitivity ?? target.sensitivity,
  });
}

/** A resource is shown when reading resources could be permitted and the token's grants do not leave this one out. */
function showsResource(uri: JsonValue | undefined, exchange: McpExchange, parts: McpParts): boolean {
  if (typeof uri !== 'string' || !isListable('resources/read', exchange, parts)) return false;
  const effect = exchange.request.target.operations['resources/read']?.effect;
  const chain = exchange.chain?.map(({ task }) => task.grant) ?? [];
  return [exchange.caller?.grants ?? [], ...chain].every((grants) => {
    const reading = grants.filter(
      (grant) =>
        grant.target === exchange.request.target.name &&
        (grant.operations?.includes('resources/read') === true ||
          (effect !== undefined && grant.effects?.includes(effect) === true)),
    );
    // Grants that do not speak of reading are the business of `listable`, which has already said yes.
    if (reading.length === 0) return true;
    return reading.some(({ resources }) => resources?.some((pattern) => matchesPattern(pattern, uri)) ?? true);
  });
}
