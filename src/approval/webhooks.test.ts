import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listen, type Listening } from '../../test/conformance/listen.ts';
import {
  openControlPlane,
  personSession,
  requestTask,
  sampleApproval,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';
import type { Approval } from '../core/approval.ts';
import type { JsonObject } from '../core/json.ts';
import { approvalToWire } from '../server/approval-wire.ts';
import { cardOf } from './card.ts';
import { signedHeaders, webhookKey } from './webhook-signature.ts';
import { createWebhooks, type WebhookEndpoint, type Webhooks } from './webhooks.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

test('a message is signed as Standard Webhooks says', () => {
  const key = webhookKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'chat');
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: 1_614_265_330_999, body: '{"test": 2432232314}' };
  expect(signedHeaders(message, [key])).toEqual({
    'content-type': 'application/json',
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test.each([
  '',
  'plain',
  'whsec_',
  `whsec_${'a'.repeat(20)}`,
  `whsec_${'a'.repeat(400)}`,
  `whsec_${'!'.repeat(44)}`,
  SECRET.slice(6),
])('what is no secret is refused, and not shown: %s', (secret) => {
  expect(() => webhookKey(secret, 'chat')).toThrow(/the secret of webhook `chat` is none/);
  if (secret.length > 20) expect(() => webhookKey(secret, 'chat')).not.toThrow(secret);
});

type Seen = { headers: Record<string, string>; body: string };
type Message = { type: string; data: { approval: { id: string; state: string; arguments: object } } };

let plane: ControlPlane;
let task: string;
let receiver: Listening;
let seen: Seen[];
let answers: (Response | Promise<Response>)[];
let warned: object[];
let now: number;

beforeEach(async () => {
  plane = await openControlPlane();
  task = (await requestTask(await personSession(plane, 'alice'))).id;
  [seen, answers, warned] = [[], [], []];
  now = plane.clock.now();
  receiver = await listen(async (request) => {
    seen.push({ headers: Object.fromEntries(request.headers), body: await request.text() });
    return answers.shift() ?? new Response(null, { status: 204 });
  });
});
afterEach(async () => {
  await receiver.close();
  await plane.close();
});

const read = ({ body }: Seen) => JSON.parse(body) as Message;
const told = () =>
  seen.map((one) => `${read(one).data.approval.id} ${read(one).type} ${read(one).data.approval.state}`);
const ask = (change: Partial<Approval> = {}) =>
  plane.store.requestApproval(sampleApproval(task, plane.clock.now(), change), () => []);

function open(change: Partial<WebhookEndpoint> = {}): Webhooks {
  return createWebhooks({
    endpoints: [{ name: 'chat', url: `${receiver.url}/hook`, secrets: () => [SECRET], approvers: null, ...change }],
    store: plane.store,
    describe: (approval) => {
      const parts = { store: plane.store, pdp: plane.parts.pdp, clock: plane.clock.now };
      const card = approvalToWire(cardOf(approval, { full: false }, parts));
      return { approval: JSON.parse(JSON.stringify(card)) as JsonObject };
    },
    send: (url, request) => fetch(url, request),
    clock: () => now,
    log: { warn: (fields) => void warned.push(fields), error: (fields) => void warned.push(fields) },
  });
}

describe('telling', () => {
  test('of what waits, signed, once, and of what became of it', async () => {
    const webhooks = open();
    const { id } = await ask();
    await webhooks.deliver();
    await webhooks.deliver();
    expect(told()).toEqual([`${id} approval.requested pending`]);
    const [{ headers, body }] = seen as [Seen];
    const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const signature = createHmac('sha256', Buffer.alloc(32, 1)).update(content).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signature}`);
    expect(Math.abs(Number(headers['webhook-timestamp']) * 1000 - now)).toBeLessThan(1000);
    const bob = await personSession(plane, 'bob');
    await bob.call('POST', `/v1/approvals/${id}/approve`);
    await webhooks.deliver();
    await webhooks.deliver();
    expect(told().slice(1)).toEqual([`${id} approval.resolved approved`]);
    expect(seen[1]!.headers['webhook-id']).not.toBe(headers['webhook-id']);
  });

  test('with the signatures of two secrets while they change', async () => {
    await ask();
    await open({ secrets: () => [SECRET, OTHER] }).deliver();
    expect(seen[0]!.headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
  });

  test('INVARIANT 14: no secret among the arguments', async () => {
    const { card } = sampleApproval(task, 0);
    const { redactSecrets } = await import('../core/redact.ts');
    await ask({
      card: { ...card, arguments: redactSecrets({ api_key: 'canary-1', text: 'Bearer canary-2-canary-2-canary' }) },
    });
    await open().deliver();
    expect(read(seen[0]!).data.approval.arguments).toEqual({ api_key: '[redacted]', text: '[redacted]' });
    expect(seen[0]!.body).not.toContain('canary');
  });

  test('only those who are asked, where the endpoint is for some', async () => {
    const webhooks = open({ approvers: ['security'] });
    await ask();
    const { id } = await ask({ id: 'apr_2', digest: 'sha256:2', approvers: ['2 of security, bob; max_age 60'] });
    await webhooks.deliver();
    await webhooks.deliver();
    expect(told()).toEqual([`${id} approval.requested pending`]);
  });
});

describe('a receiver that does not take it', () => {
  test('is tried again after longer and longer, with the same id, until it does', async () => {
    const webhooks = open();
    await ask();
    answers = [new Response(null, { status: 500 }), new Response(null, { status: 429 })];
    for (const [ms, attempts] of [
      [0, 1],
      [999, 1],
      [1, 2],
      [1_999, 2],
      [1, 3],
      [60_000, 3],
    ] as const) {
      now += ms;
      await webhooks.deliver();
      expect(seen).toHaveLength(attempts);
    }
    expect(new Set(seen.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(warned).toMatchObject([{ problem: 'status 500' }, { problem: 'status 429' }]);
  });

  test('sends nobody elsewhere: a redirect is a failure', async () => {
    const elsewhere: string[] = [];
    const other = await listen(async (request) => {
      elsewhere.push(request.url);
      return new Response();
    });
    answers = [302, 307, 308].map((status) => new Response(null, { status, headers: { location: other.url } }));
    const webhooks = open();
    await ask();
    for (let n = 0; n < 3; n++) {
      await webhooks.deliver();
      now += 60_000;
    }
    expect(elsewhere).toEqual([]);
    expect(warned).toMatchObject([{ problem: 'status 302' }, { problem: 'status 307' }, { problem: 'status 308' }]);
    await other.close();
  });

  test('is told nothing more once it says that it is gone', async () => {
    const webhooks = open();
    await ask();
    answers = [new Response(null, { status: 410 })];
    await webhooks.deliver();
    await ask({ id: 'apr_2', digest: 'sha256:2' });
    now += 60_000;
    await webhooks.deliver();
    expect(seen).toHaveLength(1);
  });

  test('is unreachable, or its secret cannot be read: tried again, and the others go on', async () => {
    await ask();
    const broken = open({ url: 'http://127.0.0.1:1/' });
    await broken.deliver();
    expect(warned).toMatchObject([{ problem: 'TypeError' }]);
    now += 2_000;
    await open({
      secrets: () => {
        throw new Error(`cannot read ${SECRET}`);
      },
    }).deliver();
    expect(JSON.stringify(warned)).not.toContain(SECRET);
    now += 5_000;
    await open().deliver();
    expect(seen).toHaveLength(1);
  });

  test('is slow: a round is not overtaken by the next', async () => {
    const webhooks = open();
    await ask();
    answers = [sleep(50).then(() => new Response(null, { status: 204 }))];
    await Promise.all([webhooks.deliver(), webhooks.deliver(), webhooks.deliver()]);
    expect(seen).toHaveLength(1);
  });

  test('is told after a restart what it had not taken', async () => {
    await ask();
    answers = [new Response(null, { status: 503 })];
    await open().deliver();
    now += 10_000;
    // All that a process knows is in the store.
    await open().deliver();
    expect(told()).toHaveLength(2);
    await open().deliver();
    expect(told()).toHaveLength(2);
  });
});
