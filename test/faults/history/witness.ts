import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** A target in the process of the test that remembers every call which reaches it. */
export type Witness = { url: string; seen: string[]; close: () => Promise<void> };

export async function startWitness(): Promise<Witness> {
  const seen: string[] = [];
  const listener = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'witness', version: '1.0.0' });
      server.registerTool(
        'note',
        { description: 'Notes a mark.', inputSchema: z.object({ mark: z.string() }) },
        async ({ mark }) => {
          seen.push(mark);
          return { content: [{ type: 'text', text: `noted ${mark}` }] };
        },
      );
      return server;
    }),
  );
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
