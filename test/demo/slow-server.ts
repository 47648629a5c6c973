import { writeFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/** An MCP server with a tool that takes its time, so that there is a call in flight when a task ends, and one that shares. */
const server = new McpServer({ name: 'slow', version: '1.0.0' });
server.registerTool(
  'wait',
  { description: 'Waits, then says so.', inputSchema: z.object({ seconds: z.number() }) },
  async ({ seconds }) => {
    const started = process.env['STARTED'];
    if (started !== undefined) writeFileSync(started, String(process.pid));
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return { content: [{ type: 'text', text: 'waited' }] };
  },
);
server.registerTool(
  'share_note',
  {
    description: 'Shares a text with somebody.',
    inputSchema: z.object({ recipient: z.string(), text: z.string() }),
  },
  ({ recipient }) => ({ content: [{ type: 'text', text: `shared with ${recipient}` }] }),
);
await server.connect(new StdioServerTransport());
