import { StreamableHTTPClientTransport, type JSONRPCMessage } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import type { AgentSession } from './agent-session.ts';

/** JSON-RPC error code for what the bridge itself could not deliver (of the range for implementations). */
const NOT_DELIVERED = -32_000;

/**
 * An MCP server on stdin and stdout for a client that knows only stdio: every message goes unchanged to the gateway and
 * back, under the session's key and tokens. Resolves when the client goes away. Nothing but MCP is written to stdout.
 */
export async function runBridge(options: {
  session: AgentSession;
  remitUrl: string;
  target: string;
  complain: (line: string) => void;
}): Promise<void> {
  const { session, complain } = options;
  const client = new StdioServerTransport();
  const gateway = new StreamableHTTPClientTransport(new URL(`${options.remitUrl}/mcp/${options.target}`), {
    fetch: (url, init) => session.fetch(url, init),
  });
  const closed = new Promise<void>((resolve) => {
    client.onclose = resolve;
    process.stdin.once('end', resolve);
  });
  gateway.onmessage = (message) => {
    learnProtocolVersion(message, gateway);
    client.send(message).catch((error: unknown) => complain(`the client cannot be written to: ${words(error)}`));
  };
  gateway.onerror = (error) => complain(words(error));
  client.onmessage = (message) => {
    gateway.send(message).catch((error: unknown) => {
      complain(words(error));
      if ('id' in message && 'method' in message) {
        const answer = { code: NOT_DELIVERED, message: `remit: ${words(error)}` };
        void client.send({ jsonrpc: '2.0', id: message.id, error: answer } as JSONRPCMessage);
      }
    });
  };
  await gateway.start();
  await client.start();
  await closed;
  await gateway.terminateSession().catch(() => {});
  await gateway.close();
}

/** The transport names the revision in a header after the handshake; it learns it from the answer that passes by. */
function learnProtocolVersion(message: JSONRPCMessage, gateway: StreamableHTTPClientTransport): void {
  const result: unknown = 'result' in message ? message.result : undefined;
  if (typeof result !== 'object' || result === null || !('protocolVersion' in result)) return;
  if (typeof result.protocolVersion === 'string') gateway.setProtocolVersion?.(result.protocolVersion);
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
