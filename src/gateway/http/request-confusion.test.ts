import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { TargetConfig } from '../../config/config.ts';
import type { HttpOperation } from '../../config/http-operation.ts';
import { openHttpFront, openRawUpstream, type HttpFront, type RawUpstream } from '../../../test/harness/http-front.ts';

type RequestCase = {
  it: string;
  request: string;
  headers?: string[];
  /** Stands for itself; `json` gets the length that it has. */
  body?: string;
  json?: string;
  bare?: boolean;
  /** The client goes away in the middle. */
  ends?: boolean;
  /** The connection ends without an answer. */
  silent?: boolean;
  sent?: string;
  denied?: string;
  refused?: true;
  with?: string[];
  without?: string[];
  arguments?: object;
};
type RedirectCase = { it: string; location: string; to?: string };

const file = readFileSync(join(import.meta.dirname, 'request-confusion.yaml'), 'utf8');
const { requests, redirects } = parse(file) as { requests: RequestCase[]; redirects: RedirectCase[] };

let upstream: RawUpstream;
let front: HttpFront;
let answer: string;

beforeAll(async () => {
  upstream = await openRawUpstream((_request, socket) => void socket.end(answer));
  front = await openHttpFront([target(upstream.url)]);
});
afterAll(async () => {
  await front.close();
  await upstream.close();
});
beforeEach(() => {
  answer = 'HTTP/1.1 204 No Content\r\n\r\n';
  for (const seen of [upstream.received, front.decided, front.refused]) seen.length = 0;
});

test('there are at least 60 cases, no two alike', () => {
  expect(requests.length).toBeGreaterThan(150);
  expect(new Set(requests.map(({ it }) => it)).size).toBe(requests.length);
  for (const each of requests) {
    expect([each.it, ['sent', 'denied', 'refused'].filter((outcome) => outcome in each)]).toEqual([
      each.it,
      [expect.anything()],
    ]);
  }
});

test.each(requests)('$it', async (each) => {
  const response = await front.raw(bytesOf(each));
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(response)?.[1] ?? 0);
  if (each.sent === undefined) {
    expect(upstream.received).toEqual([]);
    expect(front.decided.map(({ action }) => action?.operation)).toEqual(
      each.denied === undefined ? [] : [each.denied],
    );
    if (each.ends !== true && each.silent !== true)
      expect(status).toSatisfy((code: number) => code >= 400 && code < 500);
    return;
  }
  expect(status).toBe(204);
  expect(upstream.received).toHaveLength(1);
  const [head, body] = splitOnce(upstream.received[0]!, '\r\n\r\n');
  const [line, ...lines] = head.split('\r\n');
  expect(line).toBe(`${each.sent} HTTP/1.1`);
  expect(body).toBe(
    each.body === undefined || lines.includes('transfer-encoding: chunked') ? (each.json ?? '') : '{"a":1}',
  );
  for (const header of each.with ?? []) expect(lines).toContain(header);
  const names = lines.map((header) => header.split(':')[0]);
  for (const name of each.without ?? []) expect(names).not.toContain(name);
  expect(front.decided).toHaveLength(1);
  if (each.arguments !== undefined) {
    expect(front.decided[0]?.action?.arguments).toEqual({ path: {}, query: {}, headers: {}, ...each.arguments });
  }
});

test.each(redirects)('a redirect $it', async ({ location, to }) => {
  const led = location.replace('{upstream}', upstream.url).replace('{host}', new URL(upstream.url).host);
  answer = `HTTP/1.1 302 Found\r\nlocation: ${led}\r\ncontent-length: 0\r\n\r\n`;
  const response = await front.raw(bytesOf({ it: '', request: 'GET /http/api/users/7' }));
  expect(response).toMatch(/^HTTP\/1\.1 302 /);
  expect(/\r\nlocation: ([^\r]*)\r\n/i.exec(response)?.[1]).toBe(to);
  // Nobody has followed it.
  expect(upstream.received).toHaveLength(1);
});

test('what is refused before a decision is counted, with who was refused left out', async () => {
  await front.raw(bytesOf({ it: '', request: 'GET /http/api/users/..%2Fadmin' }));
  expect(front.refused.map(({ code, message }) => [code, message])).toEqual([
    ['invalid_request', 'the path has an encoded separator'],
  ]);
});

function bytesOf({ request, headers = [], body, json, bare, ends }: RequestCase): string {
  const usual = bare === true ? [] : ['Host: remit.example.test', 'Connection: close'];
  const length = json === undefined ? [] : [`Content-Length: ${json.length}`];
  const lines = [`${request} HTTP/1.1`, ...usual, ...headers, ...length];
  if (ends === true) setTimeout(() => front.hangUp(), 50);
  return `${lines.join('\r\n')}\r\n\r\n${body ?? json ?? ''}`;
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return [text.slice(0, at), text.slice(at + by.length)];
}

function target(url: string): TargetConfig {
  return {
    name: 'api',
    kind: 'http',
    upstream: { kind: 'http', url: `${url}/v1`, headers: { 'X-Token': { fromEnv: 'TOKEN' } }, private: true },
    sensitivity: 'internal',
    timeoutMs: 5000,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      show_user: operation({ method: 'GET', path: '/users/{user}', query: ['fields', 'page'], headers: ['x-tenant'] }),
      show_me: operation({ method: 'GET', path: '/users/me' }),
      show_admin: operation({ method: 'GET', path: '/users/admin' }),
      list_users: operation({ method: 'GET', path: '/users/' }),
      remove_user: operation({ method: 'DELETE', path: '/users/{user}' }),
      create_key: operation({ method: 'POST', path: '/users/{user}/keys', body: 'json' }),
      submit: operation({ method: 'POST', path: '/forms', body: 'form' }),
      show_file: operation({ method: 'GET', path: '/files/{+path}' }),
      store_file: operation({ method: 'PUT', path: '/files/{+path}', body: 'raw' }),
      stream: operation({ method: 'PUT', path: '/streams/{name}', body: 'stream' }),
    },
  };
}

function operation(
  http: Partial<HttpOperation> & Pick<HttpOperation, 'method' | 'path'>,
): TargetConfig['operations'][string] {
  return { effect: 'read', http: { query: [], headers: [], body: 'none', ...http } };
}
