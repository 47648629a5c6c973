import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/** An MCP server that writes down every call that it sees, so that what Remit claims can be held against it. */
const server = new McpServer({ name: 'witness', version: '1.0.0' });
server.registerTool(
  'note',
  { description: 'Notes a mark.', inputSchema: z.object({ mark: z.string() }) },
  async ({ mark }) => {
    appendFileSync(process.env['SEEN']!, `${mark}\n`);
    return { content: [{ type: 'text', text: `noted ${mark}` }] };
  },
);
await server.connect(new StdioServerTransport());
