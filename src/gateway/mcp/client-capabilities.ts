import { CLIENT_CAPABILITIES_META_KEY } from '@modelcontextprotocol/server';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { metaOf, type RequestMessage } from './message.ts';
import type { ClientCapability } from './methods.ts';

const GUARDED: readonly ClientCapability[] = ['sampling', 'elicitation', 'roots'];

/** What the upstream may see of the client's capabilities: those that let it ask the client only where configured. */
export function allowedCapabilities(shown: JsonObject, allowed: readonly ClientCapability[]): JsonObject {
  return Object.fromEntries(Object.entries(shown).filter(([name]) => !isRemoved(name, allowed)));
}

function isRemoved(name: string, allowed: readonly ClientCapability[]): boolean {
  return GUARDED.some((capability) => capability === name && !allowed.includes(capability));
}

/** The message without capabilities that the target may not use; the same object when nothing had to go. */
export function withAllowedCapabilities(message: RequestMessage, allowed: readonly ClientCapability[]): RequestMessage {
  const { params } = message;
  if (params === undefined) return message;
  if (message.method === 'initialize') {
    const shown = params['capabilities'];
    if (!isJsonObject(shown) || !Object.keys(shown).some((name) => isRemoved(name, allowed))) return message;
    return { ...message, params: { ...params, capabilities: allowedCapabilities(shown, allowed) } };
  }
  const meta = metaOf(params);
  const shown = meta[CLIENT_CAPABILITIES_META_KEY];
  if (!isJsonObject(shown) || !Object.keys(shown).some((name) => isRemoved(name, allowed))) return message;
  const kept = { ...meta, [CLIENT_CAPABILITIES_META_KEY]: allowedCapabilities(shown, allowed) };
  return { ...message, params: { ...params, _meta: kept } };
}
