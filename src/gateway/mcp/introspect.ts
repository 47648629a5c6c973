import { SERVER_INFO_META_KEY } from '@modelcontextprotocol/server';
import type { TargetConfig } from '../../config/config.ts';
import type { JsonObject } from '../../core/json.ts';
import { ask, REMIT_INFO } from './ask.ts';
import { listDefinitions } from './definitions.ts';
import { SESSION_VERSIONS } from './methods.ts';
import type { McpParts } from './parts.ts';
import type { Bearer, TaskUpstreams } from './task-upstreams.ts';
import type { Channel } from './upstream/channel.ts';

/** What a target offers now, over a connection of its own; first sight pins. */
export async function introspectTarget(
  target: TargetConfig,
  upstreams: TaskUpstreams,
  parts: McpParts,
): Promise<{ server: JsonObject; tools: JsonObject[] }> {
  const channel = await openAlone(target, upstreams);
  try {
    const { server } = channel;
    return { server, tools: await listDefinitions(channel.channel, target, parts) };
  } finally {
    await channel.channel.close('introspection is over');
  }
}

/** A connection of Remit's own, its handshake done. @throws UpstreamFailed, UpstreamTimeout, TooLarge */
export async function openAlone(
  target: TargetConfig,
  upstreams: TaskUpstreams,
  bearer?: Bearer,
): Promise<{ channel: Channel; server: JsonObject }> {
  if (target.upstream.kind === 'http') {
    const channel = upstreams.openAlone(target, 'stateless', bearer);
    try {
      const found = await ask(channel, target, 'server/discover', {});
      const meta = found['_meta'] as JsonObject | undefined;
      return { channel, server: (meta?.[SERVER_INFO_META_KEY] ?? {}) as JsonObject };
    } catch {
      // A server of an earlier revision knows no discovery; it is asked in its own words.
      await channel.close('no discovery');
    }
  }
  const channel = upstreams.openAlone(target, 'session', bearer);
  try {
    const initialized = await ask(channel, target, 'initialize', {
      protocolVersion: SESSION_VERSIONS[0]!,
      capabilities: {},
      clientInfo: REMIT_INFO,
    });
    await channel.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, { signal: channel.closed });
    return { channel, server: (initialized['serverInfo'] ?? {}) as JsonObject };
  } catch (error) {
    await channel.close('the handshake failed');
    throw error;
  }
}
