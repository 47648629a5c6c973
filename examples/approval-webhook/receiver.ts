/**
 * Hears of approvals that wait, and answers them as the person who is signed in on this machine.
 *
 *     REMIT_WEBHOOK_SECRET=whsec_… npx node examples/approval-webhook/receiver.ts
 *
 * `approve ID [reason]` and `refuse ID [reason]` on the standard input answer. It stands for a bot of a chat system: that
 * would have a button for each, and the sign-in of whoever pressed it.
 */
import { execFile } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const { REMIT_WEBHOOK_SECRET: secret = '', PORT = '8090', REMIT_COMMAND = 'npx remit' } = process.env;
const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
if (key.length < 24) throw new Error('set REMIT_WEBHOOK_SECRET to the secret of the webhook');

type Shown = { name: string; text: string; notes: string[] };
type Approval = {
  id: string;
  state: string;
  risk: string;
  digest: string;
  target: string;
  operation: string;
  shown: Shown[];
  purpose: string | null;
  reasons: string[];
};

const TOLERANCE_SECONDS = 300;
const MAX_BYTES = 1024 * 1024;
/** By id, as they were shown: an answer is for exactly that. */
const waiting = new Map<string, Approval>();
/** Ids of messages: each is sent at least once. */
const seen = new Set<string>();

/** Standard Webhooks 1.0. Nothing of a message may be believed before this. */
function isGenuine(headers: IncomingMessage['headers'], body: string): boolean {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => headers[name],
  );
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return false;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS)) return false;
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  return signatures.split(' ').some((signature) => {
    const [version, value = ''] = signature.split(',');
    const given = Buffer.from(value, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function hear(type: string, approval: Approval): void {
  if (type !== 'approval.requested') {
    waiting.delete(approval.id);
    console.log(`${approval.id} is ${approval.state}`);
    return;
  }
  waiting.set(approval.id, approval);
  console.log(`${approval.id} waits (${approval.risk} risk): ${approval.target} ${approval.operation}`);
  // `text` has all that could hide made visible already.
  for (const { name, text, notes } of approval.shown) console.log(`  ${name}: ${text} ${notes.join(' ')}`);
  console.log(`  because ${JSON.stringify(approval.reasons)}, for ${JSON.stringify(approval.purpose)}`);
}

async function receive(request: IncomingMessage): Promise<204 | 400> {
  const body = request.method === 'POST' ? await bodyOf(request) : null;
  if (body === null || !isGenuine(request.headers, body)) return 400;
  const id = String(request.headers['webhook-id']);
  if (!seen.has(id)) {
    seen.add(id);
    const { type, data } = JSON.parse(body) as { type: string; data: { approval: Approval } };
    hear(type, data.approval);
  }
  return 204;
}

const server = createServer((request, response) => {
  receive(request)
    .catch(() => 400)
    .then((status) => response.writeHead(status).end())
    .catch(() => response.destroy());
});
server.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address();
  console.log(`receiver: listening on port ${typeof address === 'object' ? address?.port : address}`);
});

/** Remit decides whether this person may: not who pressed a button, but who is signed in. */
async function answer(verb: string, id: string, reason: string): Promise<void> {
  const approval = waiting.get(id);
  if (approval === undefined || !['approve', 'refuse'].includes(verb)) return console.log('approve ID, or refuse ID');
  const [program, ...args] = REMIT_COMMAND.split(' ');
  args.push(verb, id, '--digest', approval.digest, ...(reason === '' ? [] : ['--reason', reason]));
  const outcome = await promisify(execFile)(program!, args).catch((error: { stderr?: string }) => error);
  console.log('stderr' in outcome && outcome.stderr ? outcome.stderr.trim() : `${verb} ${id}: done`);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb = '', id = '', ...reason] = line.trim().split(/\s+/);
  void answer(verb, id, reason.join(' '));
});
