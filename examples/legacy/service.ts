/**
 * A service as many are: one admin token that may do everything, keys that it mints and forgets about, tickets, and an audit
 * log of its own. It knows nothing of tasks, agents or Remit.
 *
 * PORT: where it listens. ADMIN_TOKEN: the one token. AUDIT_LOG: the file that it appends to, one JSON object a line.
 */
import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

type Key = { id: string; name: string };
type Ticket = { id: string; title: string };
type Answer = { status: number; body?: object };

const adminToken = process.env['ADMIN_TOKEN'] ?? '';
const auditLog = process.env['AUDIT_LOG'];
if (adminToken === '') throw new Error('ADMIN_TOKEN is not set');

const keys = new Map<string, Key>();
/** By the id of the key. */
const secrets = new Map<string, string>();
const tickets = new Map<string, Ticket>();

/** `admin`, or the id of the key; `null` for a stranger. */
function principalOf({ headers }: IncomingMessage): string | null {
  const key = [...secrets].find(([, secret]) => same(headers['x-api-key'], secret));
  if (key !== undefined) return key[0];
  return same(headers['x-admin-token'], adminToken) ? 'admin' : null;
}

function same(shown: string | string[] | undefined, secret: string): boolean {
  if (typeof shown !== 'string' || Buffer.byteLength(shown) !== Buffer.byteLength(secret)) return false;
  return timingSafeEqual(Buffer.from(shown), Buffer.from(secret));
}

function answer(operation: string, id: string | undefined, body: Record<string, unknown>): Answer {
  switch (operation) {
    case 'GET keys':
      return { status: 200, body: { keys: [...keys.values()] } };
    case 'POST keys': {
      const key = { id: randomUUID(), name: String(body['name']) };
      const secret = `lk_${randomBytes(24).toString('hex')}`;
      keys.set(key.id, key);
      secrets.set(key.id, secret);
      return { status: 201, body: { ...key, key: secret } };
    }
    case 'GET keys/{id}': {
      const key = keys.get(id ?? '');
      return key === undefined ? { status: 404 } : { status: 200, body: key };
    }
    case 'DELETE keys/{id}':
      secrets.delete(id ?? '');
      return { status: keys.delete(id ?? '') ? 204 : 404 };
    case 'POST tickets': {
      const ticket = { id: `T-${tickets.size + 1}`, title: String(body['title']) };
      tickets.set(ticket.id, ticket);
      return { status: 201, body: ticket };
    }
    case 'GET tickets/{id}': {
      const ticket = tickets.get(id ?? '');
      return ticket === undefined ? { status: 404 } : { status: 200, body: ticket };
    }
    case 'GET reports/{id}':
      return { status: 200, body: { report: id, keys: keys.size, tickets: tickets.size } };
    default:
      return { status: 404 };
  }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://service');
  const [, kind = '', id] = pathname.split('/');
  const principal = principalOf(request);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const operation = `${request.method} ${kind}${id === undefined ? '' : '/{id}'}`;
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  const { status, body: answered } = principal === null ? { status: 401 } : answer(operation, id, body);
  if (auditLog !== undefined) {
    const traceparent = request.headers['traceparent'];
    const line = {
      id: randomUUID(),
      time: new Date().toISOString(),
      principal,
      method: request.method,
      path: pathname,
    };
    appendFileSync(auditLog, `${JSON.stringify({ ...line, status, ...(traceparent && { traceparent }) })}\n`);
  }
  response.writeHead(status, answered === undefined ? {} : { 'content-type': 'application/json' });
  response.end(answered === undefined ? undefined : JSON.stringify(answered));
}

const server = createServer((request, response) => {
  serve(request, response).catch(() => response.writeHead(400).end());
});

server.listen(Number(process.env['PORT'] ?? 8090), '127.0.0.1', () => {
  const address = server.address();
  console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`);
});
