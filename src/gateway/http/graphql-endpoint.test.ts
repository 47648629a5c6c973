import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHttpFront, openRawUpstream, type HttpFront, type RawUpstream } from '../../../test/harness/http-front.ts';
import type { OperationConfig, TargetConfig } from '../../config/config.ts';
import type { Effect } from '../../core/effect.ts';
import { InvalidConfig } from '../../core/errors.ts';
import { openApiTarget } from './api-target.ts';

function operation(effect: Effect, kind: 'query' | 'mutation', field: string): OperationConfig {
  return {
    effect,
    http: { method: 'POST', path: '/graphql', query: [], headers: [], body: 'json', graphql: { kind, field } },
  };
}

function shop(url: string): TargetConfig {
  return {
    name: 'shop',
    kind: 'http',
    upstream: { kind: 'http', url, headers: {}, private: true },
    sensitivity: 'internal',
    timeoutMs: 1000,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      order: { ...operation('read', 'query', 'order'), resources: ['order:{arguments.id}'] },
      cancelOrder: operation('write', 'mutation', 'cancelOrder'),
      status: { effect: 'read', http: { method: 'GET', path: '/status', query: [], headers: [], body: 'none' } },
    },
  };
}

let upstream: RawUpstream;
let front: HttpFront;
beforeEach(async () => {
  upstream = await openRawUpstream((_request, socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}'),
  );
  front = await openHttpFront([shop(upstream.url)]);
});
afterEach(async () => {
  await front.close();
  await upstream.close();
});

function post(body: string, query = ''): Promise<string> {
  return front.raw(
    `POST /http/shop/graphql${query} HTTP/1.1\r\nHost: remit.example.test\r\nConnection: close\r\nAuthorization: DPoP t\r\nDPoP: proof\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

test('a request is decided as the field that it asks for, and sent as it came', async () => {
  const body =
    '{ "query": "query Q($id: ID!) { mine: order(id: $id) { total buyer { email } } }",  "variables": {"id":"7"} }';
  expect(await post(body)).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(front.decided[0]?.action).toMatchObject({
    operation: 'order',
    effect: 'read',
    resources: ['order:7'],
    arguments: { arguments: { id: '7' }, selects: ['buyer.email', 'total'], body: { variables: { id: '7' } } },
  });
  expect(upstream.received[0]?.endsWith(`\r\n\r\n${body}`)).toBe(true);
});

test('what a field is called in the answer does not make it another', async () => {
  await post('{"query":"mutation { order: cancelOrder(id: 1) { total } }"}');
  expect(front.decided[0]?.action).toMatchObject({ operation: 'cancelOrder', effect: 'write' });
});

test('a field that is no operation is decided, and so denied', async () => {
  expect(await post('{"query":"mutation { dropEverything }"}')).toMatch(/^HTTP\/1\.1 403 /);
  expect(front.decided[0]?.action).toMatchObject({ operation: 'mutation dropEverything', definition: 'unknown' });
  expect(upstream.received).toEqual([]);
});

test.each([
  ['{"query":"{ order(id: 1) { total } cancelOrder(id: 1) { total } }"}'],
  ['{"query":"{ order(id: 1) { total } }","query":"mutation { dropEverything }"}'],
  ['[{"query":"{ order(id: 1) { total } }"}]'],
  ['{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}'],
  ['{"query":"subscription { order }"}'],
])('%s is refused before it is decided', async (body) => {
  expect(await post(body)).toMatch(/^HTTP\/1\.1 400 /);
  expect(front.decided).toEqual([]);
  expect(upstream.received).toEqual([]);
});

test('a query in the URL is none', async () => {
  expect(await post('{"query":"{ order(id: 1) { total } }"}', '?query=mutation%7BdropEverything%7D')).toMatch(
    /^HTTP\/1\.1 400 /,
  );
  expect(upstream.received).toEqual([]);
});

test('two operations for one field are a fault of the target file', () => {
  const config = shop('http://shop.example');
  const operations = { ...config.operations, again: operation('write', 'query', 'order') };
  expect(() => openApiTarget({ ...config, operations })).toThrow(InvalidConfig);
  expect(() => openApiTarget({ ...config, operations })).toThrow('has two operations for the query order');
});
