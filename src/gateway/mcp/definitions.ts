import { jsonDigest, type Action } from '../../core/action.ts';
import type { TargetConfig } from '../../config/config.ts';
import { UpstreamFailed } from '../../core/errors.ts';
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { EventRecord } from '../../core/record.ts';
import { ask } from './ask.ts';
import { headerDeclarations } from './param-headers.ts';
import type { McpParts } from './parts.ts';
import type { Channel } from './upstream/channel.ts';

const PINNED_MEMBERS = ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const;
const MAX_PAGES = 1000;

export type DefinitionParts = Pick<McpParts, 'definitions' | 'sha256' | 'clock' | 'newId'>;

/**
 * INVARIANT 12: before the first call of a connection, what it says its tools are is compared with what is pinned.
 *
 * @throws UpstreamFailed, UpstreamTimeout, TooLarge when it does not say.
 */
export function ensureDefinitions(channel: Channel, target: TargetConfig, parts: DefinitionParts): Promise<void> {
  const { seen } = channel;
  if (seen.listing === null) {
    const listing = listDefinitions(channel, target, parts).then(
      () => undefined,
      (error: unknown) => {
        if (seen.listing === listing) seen.listing = null;
        throw error;
      },
    );
    seen.listing = listing;
  }
  return seen.listing;
}

/** Lists all pages and observes each tool. Returns the definitions. */
export async function listDefinitions(
  channel: Channel,
  target: TargetConfig,
  parts: DefinitionParts,
): Promise<JsonObject[]> {
  const all: JsonObject[] = [];
  let cursor: JsonValue | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const result = await ask(channel, target, 'tools/list', cursor === undefined ? {} : { cursor });
    const tools = toolsOf(result);
    all.push(...tools);
    cursor = result['nextCursor'];
    if (cursor === undefined || cursor === null) {
      await observeTools(channel, target, all, parts);
      return all;
    }
  }
  throw new UpstreamFailed(`the target lists its tools on more than ${MAX_PAGES} pages`);
}

export function toolsOf(result: JsonObject): JsonObject[] {
  return Array.isArray(result['tools']) ? result['tools'].filter(isJsonObject) : [];
}

/** Notes what a connection has said its tools are. First sight pins; another definition quarantines. */
export async function observeTools(
  channel: Channel,
  target: TargetConfig,
  tools: readonly JsonObject[],
  parts: DefinitionParts,
): Promise<void> {
  const inThisList = new Set<string>();
  for (const tool of tools) {
    const name = tool['name'];
    if (typeof name !== 'string' || !Object.hasOwn(target.operations, name)) continue;
    const pinned = pinnedPart(tool, parts);
    // Two tools of one name, or one that has no canonical form, cannot be told apart from another: unknown.
    if (pinned === null || inThisList.has(name)) {
      channel.seen.byOperation.delete(name);
      continue;
    }
    inThisList.add(name);
    channel.seen.byOperation.set(name, { digest: pinned.digest, headers: headerDeclarations(tool['inputSchema']) });
    await observe(target.name, name, pinned, parts);
  }
}

function pinnedPart(tool: JsonObject, parts: DefinitionParts): { digest: string; definition: string } | null {
  const members = PINNED_MEMBERS.filter((name) => tool[name] !== undefined).map((name) => [name, tool[name]!] as const);
  const definition = Object.fromEntries(members);
  try {
    return { digest: jsonDigest(definition, parts.sha256), definition: canonicalJson(definition) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

async function observe(
  target: string,
  operation: string,
  pinned: { digest: string; definition: string },
  parts: DefinitionParts,
): Promise<void> {
  const known = parts.definitions.definition(target, operation);
  if (known?.digest === pinned.digest || known?.quarantined?.digest === pinned.digest) return;
  const at = parts.clock();
  await parts.definitions.observeDefinition({ target, operation, ...pinned, at }, (verdict) => [
    {
      version: 1,
      id: parts.newId('rec'),
      time: at,
      kind: 'event',
      event: verdict === 'pinned' ? 'definition.pinned' : 'definition.changed',
      subject: { target, operation, digest: pinned.digest },
    } satisfies EventRecord,
  ]);
}

/** Whether the operation may be used on this connection: what it offers now is what was accepted, and nothing waits. */
export function definitionState(
  channel: Channel,
  target: TargetConfig,
  operation: string,
  parts: DefinitionParts,
): Action['definition'] {
  if (!Object.hasOwn(target.operations, operation)) return 'unknown';
  const offered = channel.seen.byOperation.get(operation);
  const pin = parts.definitions.definition(target.name, operation);
  if (offered === undefined || pin === undefined) return 'unknown';
  return pin.digest === offered.digest && pin.quarantined === undefined ? 'pinned' : 'quarantined';
}
