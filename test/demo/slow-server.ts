import { writeFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/** An MCP server with one tool that takes its time, so that there is a call in flight when a task ends. */
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
await server.connect(new StdioServerTransport());
