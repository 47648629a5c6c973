import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { TargetConfig } from '../../config/config.ts';
import { openHttpFront, openRawUpstream, type HttpFront, type RawUpstream } from '../../../test/harness/http-front.ts';
import { END_STREAM, frame, headers, openFrameClient, type Field } from '../../../test/harness/http2-frames.ts';
import { createX509Authority, type X509Authority } from '../../../test/fixtures/x509-authority.ts';

type RequestCase = {
  it: string;
  but?: Record<string, string | null>;
  fields?: Field[];
  bare?: boolean;
  body?: string[];
  sent?: string;
  bytes?: string;
  refused?: 400 | 'reset' | 'any';
  denied?: string;
  elsewhere?: true;
  with?: string[];
  without?: string[];
};

const NAME = 'remit.example.test';
const USUAL: Record<string, string> = {
  ':method': 'GET',
  ':scheme': 'https',
  ':authority': NAME,
  ':path': '/http/api/users/7',
};
const file = readFileSync(join(import.meta.dirname, 'http2-confusion.yaml'), 'utf8');
const { requests } = parse(file) as { requests: RequestCase[] };

let authority: X509Authority;
let upstream: RawUpstream;
let front: HttpFront;

beforeAll(async () => {
  authority = await createX509Authority('web');
  upstream = await openRawUpstream((_request, socket) => void socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
  front = await openHttpFront([target(upstream.url)], {}, await authority.server(NAME));
});
afterAll(async () => {
  await front.close();
  await upstream.close();
});
beforeEach(() => {
  for (const seen of [upstream.received, front.decided, front.refused]) seen.length = 0;
});

test('no two cases are alike, and each has an outcome', () => {
  expect(new Set(requests.map(({ it }) => it)).size).toBe(requests.length);
  const outcomes = ['sent', 'refused', 'denied', 'elsewhere'];
  for (const each of requests)
    expect([each.it, outcomes.filter((name) => name in each)]).toEqual([each.it, [expect.anything()]]);
});

test.each(requests)('$it', async (each) => {
  const client = await openFrameClient(front.port, authority.pem, NAME);
  client.send(...framesOf(each));
  const end = await client.ended(1);
  const block = client.received.find(({ kind, stream }) => kind === 'headers' && stream === 1)?.payload;
  client.close();
  const status = block === undefined ? null : statusOf(block);
  if (each.sent === undefined) {
    expect(upstream.received).toEqual([]);
    expect(front.decided.map(({ action }) => action?.operation)).toEqual(
      each.denied === undefined ? [] : [each.denied],
    );
    if (each.refused === 'reset') expect([end?.kind, end?.code]).toEqual(['rst_stream', 1]);
    if (each.refused === 400) expect(status).toBe(400);
    if (each.denied !== undefined) expect(status).toBe(403);
    if (each.elsewhere !== undefined) expect(status).toBe(404);
    return;
  }
  expect(status).toBe(204);
  expect(upstream.received).toHaveLength(1);
  const [head = '', body] = upstream.received[0]!.split('\r\n\r\n');
  const [line, ...lines] = head.split('\r\n');
  expect(line).toBe(`${each.sent} HTTP/1.1`);
  if (each.bytes !== undefined) expect(body).toBe(each.bytes);
  for (const header of each.with ?? []) expect(lines).toContain(header.replace('{host}', new URL(upstream.url).host));
  const names = lines.map((header) => header.split(':')[0]);
  for (const name of each.without ?? []) expect(names).not.toContain(name);
  expect(front.decided).toHaveLength(1);
});

function framesOf({ but = {}, fields = [], bare, body }: RequestCase): Buffer[] {
  const usual = bare === true ? [] : Object.entries({ ...USUAL, ...but });
  const all = [...usual.filter((field): field is [string, string] => field[1] !== null), ...fields];
  if (body === undefined) return [headers(all)];
  const data = body.map((text, place) =>
    frame('data', place === body.length - 1 ? END_STREAM : 0, 1, Buffer.from(text, 'latin1')),
  );
  return [headers(all, 0), ...data];
}

/** Of the static table (RFC 7541, appendix A), or a literal with a name of it. */
function statusOf(block: Buffer): number {
  const known: Record<number, number> = { 0x88: 200, 0x89: 204, 0x8c: 400, 0x8d: 404 };
  const first = block[0]!;
  if (known[first] !== undefined) return known[first];
  // The status is a literal that Huffman codes in two octets: digits have five or six bits.
  return Number(digitsOf(block.subarray(2, 2 + (block[1]! & 0x7f)), (block[1]! & 0x80) !== 0));
}

function digitsOf(bytes: Buffer, huffman: boolean): string {
  if (!huffman) return bytes.toString('latin1');
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  for (let at = 0; digits.length < 3;) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2);
    if (short < 3) {
      digits += short;
      at += 5;
    } else {
      digits += Number.parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3;
      at += 6;
    }
  }
  return digits;
}

function target(url: string): TargetConfig {
  const http = { query: [], headers: [], body: 'none' as const };
  return {
    name: 'api',
    kind: 'http',
    upstream: { kind: 'http', url: `${url}/v1`, headers: { 'X-Token': { fromEnv: 'TOKEN' } }, private: true },
    sensitivity: 'internal',
    timeoutMs: 5000,
    maxAnswerBytes: Infinity,
    clientCapabilities: [],
    operations: {
      show_user: {
        effect: 'read',
        http: { ...http, method: 'GET', path: '/users/{user}', query: ['fields'], headers: ['x-tenant'] },
      },
      show_admin: { effect: 'read', http: { ...http, method: 'GET', path: '/users/admin' } },
      show_cookies: {
        effect: 'read',
        http: { ...http, method: 'GET', path: '/cookies', headers: ['cookie', 'x-tenant'] },
      },
      join: { effect: 'write', http: { ...http, method: 'GET', path: '/rooms/{room}', body: 'websocket' } },
      create_key: { effect: 'write', http: { ...http, method: 'POST', path: '/users/{user}/keys', body: 'json' } },
      stream: { effect: 'write', http: { ...http, method: 'PUT', path: '/streams/{name}', body: 'stream' } },
    },
  };
}
