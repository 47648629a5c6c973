import { randomBytes } from 'node:crypto';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { OperationConfig } from '../../src/config/config.ts';
import { listen } from '../conformance/listen.ts';

/** A key that the service has issued. Nothing is ever forgotten. */
export type Issued = { id: string; key: string; user: string; revoked: boolean };

/**
 * A small legacy service behind an MCP server: it knows nothing of tasks, issues keys and opens tickets, and remembers all it
 * has ever issued. A test asks it directly what is so.
 */
export type KeyService = {
  url: string;
  issued: Issued[];
  tickets: { id: string; title: string }[];
  /** Keys that `whoami` was called with, as they came. */
  seen: string[];
  /** Calls of tools in order. */
  calls: string[];
  /** How it behaves; a test changes it. */
  mode: {
    /** Answers to `create_key`; `declared` unless told. */
    create: (issued: Issued) => Promise<object> | object;
    /** Before a key is revoked: may throw, may wait. */
    revoke: (id: string) => Promise<void> | void;
    /** The id and value of the next key. */
    next: () => { id: string; key: string };
  };
  close(): Promise<void>;
};

/** As it declares it: structured, and the same as text. */
export function declared({ id, key, user }: Issued): object {
  const structuredContent = { key: { id, secret: key, user }, note: `keep ${key} safe` };
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

export async function startKeyService(): Promise<KeyService> {
  let ids = 0;
  const service: Omit<KeyService, 'url' | 'close'> = {
    issued: [],
    tickets: [],
    seen: [],
    calls: [],
    mode: {
      create: declared,
      revoke: () => {},
      next: () => ({ id: `key-${++ids}`, key: `ks_${randomBytes(18).toString('base64url')}` }),
    },
  };
  const handler = createMcpHandler(() => serverOf(service));
  const front = await listen((request) => handler.fetch(request));
  return Object.assign(service, { url: `${front.url}/mcp`, close: () => front.close() });
}

function serverOf(service: Omit<KeyService, 'url' | 'close'>): McpServer {
  const server = new McpServer({ name: 'keys', version: '1.0.0' });
  const text = (said: string, isError = false) => ({ content: [{ type: 'text' as const, text: said }], isError });
  server.registerTool(
    'create_key',
    { description: 'Issues an API key to a user.', inputSchema: z.object({ user: z.string() }) },
    async ({ user }) => {
      service.calls.push('create_key');
      const key: Issued = { ...service.mode.next(), user, revoked: false };
      service.issued.push(key);
      return (await service.mode.create(key)) as never;
    },
  );
  server.registerTool(
    'delete_key',
    { description: 'Revokes an API key.', inputSchema: z.object({ id: z.string() }) },
    async ({ id }) => {
      service.calls.push('delete_key');
      await service.mode.revoke(id);
      const found = service.issued.find((issued) => issued.id === id && !issued.revoked);
      if (found === undefined) return text(`API key ${id} not found`, true);
      found.revoked = true;
      return text(`revoked ${id}`);
    },
  );
  server.registerTool(
    'list_keys',
    { description: 'Lists API keys.', inputSchema: z.object({ user: z.string() }) },
    async ({ user }) => {
      service.calls.push('list_keys');
      const keys = service.issued.filter((issued) => issued.user === user && !issued.revoked);
      const structuredContent = { keys: keys.map(({ id, user: of }) => ({ id, user: of })) };
      return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
    },
  );
  server.registerTool(
    'whoami',
    { description: 'Says whose key it is.', inputSchema: z.object({ key: z.string() }) },
    async ({ key }) => {
      service.calls.push('whoami');
      service.seen.push(key);
      const found = service.issued.find((issued) => !issued.revoked && key.includes(issued.key));
      return text(found === undefined ? `nobody has ${key}` : `${found.user}, by ${key}`, found === undefined);
    },
  );
  server.registerTool(
    'open_ticket',
    { description: 'Opens a ticket.', inputSchema: z.object({ title: z.string() }) },
    async ({ title }) => {
      service.calls.push('open_ticket');
      const ticket = { id: `T-${service.tickets.length + 1}`, title };
      service.tickets.push(ticket);
      return { content: [{ type: 'text', text: JSON.stringify({ ticket }) }], structuredContent: { ticket } };
    },
  );
  return server;
}

/** What a target file says of its operations. */
export const KEY_OPERATIONS = {
  create_key: {
    effect: 'mint',
    mints: {
      kind: 'secret',
      value: '/key/secret',
      id: '/key/id',
      revoke: { operation: 'delete_key', arguments: { id: '{id}' } },
    },
  },
  delete_key: { effect: 'delete' },
  list_keys: { effect: 'read' },
  whoami: { effect: 'read' },
  open_ticket: {
    effect: 'mint',
    mints: { kind: 'ticket', id: '/ticket/id', revoke: { keep: 'the ticket is what the task was for' } },
  },
} as const;

/** The same, parsed. */
export const PARSED_KEY_OPERATIONS: Record<string, OperationConfig> = {
  create_key: {
    effect: 'mint',
    mints: {
      kind: 'secret',
      value: '/key/secret',
      id: '/key/id',
      lifetime: null,
      revoke: { by: 'call', operation: 'delete_key', arguments: { id: '{id}' }, gone: [] },
      usableAt: ['keys'],
      failure: 'doubtful',
      find: null,
    },
  },
  delete_key: { effect: 'delete' },
  list_keys: { effect: 'read' },
  whoami: { effect: 'read' },
  open_ticket: {
    effect: 'mint',
    mints: {
      kind: 'ticket',
      value: null,
      id: '/ticket/id',
      lifetime: null,
      revoke: { by: 'keeping', why: 'the ticket is what the task was for' },
      usableAt: ['keys'],
      failure: 'doubtful',
      find: null,
    },
  },
};
