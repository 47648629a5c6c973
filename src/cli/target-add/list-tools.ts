import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { UpstreamFailed } from '../../core/errors.ts';

/** How long a server may take for all of it, milliseconds. */
const TIMEOUT_MS = 60_000;
const MAX_PAGES = 1_000;

/** What an MCP server says its tools are. A server that is started gets `PATH`, `HOME` and the like, and nothing of Remit's. */
export async function listTools(server: { url: string } | { command: string; args: string[] }): Promise<unknown[]> {
  const called = 'url' in server ? server.url : server.command;
  const transport: Transport =
    'url' in server
      ? new StreamableHTTPClientTransport(new URL(server.url))
      : new StdioClientTransport({ ...server, stderr: 'ignore' });
  const client = new Client({ name: 'remit-target-add', version: '0.1.0' }, { versionNegotiation: { mode: 'auto' } });
  try {
    await client.connect(transport, { timeout: TIMEOUT_MS });
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout: TIMEOUT_MS });
      tools.push(...answer.tools);
      cursor = answer.nextCursor;
      if (cursor === undefined) return tools;
    }
    throw new UpstreamFailed(`\`${called}\` lists its tools on more than ${MAX_PAGES} pages`);
  } catch (cause) {
    if (cause instanceof UpstreamFailed) throw cause;
    const why = cause instanceof Error ? cause.message.split('\n')[0]! : 'unknown error';
    throw new UpstreamFailed(`\`${called}\` does not list its tools (${why}); start it, or check the command`, {
      cause,
    });
  } finally {
    await client.close();
  }
}
