import type { TargetConfig } from '../../config/config.ts';
import { Conflict } from '../../core/errors.ts';
import { isJsonObject } from '../../core/json.ts';
import type { Said, TargetCaller } from '../../lease/target-call.ts';
import { ask } from './ask.ts';
import { definitionState, ensureDefinitions } from './definitions.ts';
import { openAlone } from './introspect.ts';
import { structureOf } from './leased.ts';
import { paramHeaders } from './param-headers.ts';
import type { McpParts } from './parts.ts';
import type { Bearer, TaskUpstreams } from './task-upstreams.ts';

const MAX_TEXT = 500;

/** Calls of Remit's own at an MCP server, over a connection of its own. INVARIANT 12: pinned tools alone are called. */
export async function openMcpCaller(
  target: TargetConfig,
  upstreams: TaskUpstreams,
  parts: McpParts,
  bearer?: Bearer,
): Promise<TargetCaller> {
  const { channel } = await openAlone(target, upstreams, bearer);
  const redact = upstreams.redactor(target);
  return {
    call: async (operation, args) => {
      await ensureDefinitions(channel, target, parts);
      const state = definitionState(channel, target, operation, parts);
      if (state !== 'pinned') {
        throw new Conflict(`\`${operation}\` of \`${target.name}\` is ${state}; look at its definition and accept it`);
      }
      const repeated = paramHeaders(channel.seen.byOperation.get(operation)?.headers ?? [], args);
      const result = await ask(channel, target, 'tools/call', { name: operation, arguments: args }, repeated);
      if (result['isError'] !== true) return { said: 'done', answer: structureOf(result) } satisfies Said;
      const content = Array.isArray(result['content']) ? result['content'] : [];
      const texts = content.flatMap((item) =>
        isJsonObject(item) && typeof item['text'] === 'string' ? item['text'] : [],
      );
      return { said: 'refused', text: redact(texts.join(' ')).slice(0, MAX_TEXT), gone: false };
    },
    close: () => channel.close('the call is over'),
  };
}
