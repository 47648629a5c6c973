import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/** An MCP server that tells its own secret wherever it can: in results, in errors, on stderr, and by dying with it. */
const secret = process.env['SERVER_SECRET']!;
console.error(`starting with ${secret}`);
const server = new McpServer({ name: 'leaky', version: '1.0.0' });
server.registerTool('leak', { description: 'x', inputSchema: z.object({ how: z.string() }) }, async ({ how }) => {
  if (how === 'throw') throw new Error(`failed with ${secret}`);
  if (how === 'die') {
    console.error(`dying with ${secret}`);
    process.exit(3);
  }
  return { content: [{ type: 'text', text: `result-canary-${'c'.repeat(24)}` }] };
});
await server.connect(new StdioServerTransport());
