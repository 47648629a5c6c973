import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { createApp } from '../../../src/server/app.ts';
import { ERROR_TABLE } from '../../../src/server/error-table.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { ISSUER, openControlPlane, type ControlPlane } from '../../fixtures/control-plane.ts';
import { createOpenGateway } from '../open-gateway.ts';
import { requestOf, type NegativeCase } from './negative-request.ts';

const CASES = parse(readFileSync(join(import.meta.dirname, 'negative-cases.yaml'), 'utf8')) as NegativeCase[];
/** The surfaces that answer as RFC 6749, section 5.2, says. */
const OAUTH = new Set(['/token', '/revoke', '/introspect']);
const SURFACES = {
  agent: '/token',
  client: '/token',
  person: '/token',
  task: '/token',
  assertion: '/token',
  revoke: '/revoke',
  introspect: '/introspect',
  api: '/v1',
  mcp: '/mcp/files',
};

let plane: ControlPlane;
let app: ControlPlane['app'];
const outside = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('nothing is fetched'));

beforeAll(async () => {
  plane = await openControlPlane({ identityAssertions: true });
  const { refusals, authenticator } = plane.parts;
  const { gateway } = createOpenGateway([...plane.parts.targets.values()] as never, {
    publicUrl: ISSUER,
    authenticate: (request, audience) => authenticator.authenticate(request, audience),
    refused: ({ target, ...refusal }) => refusals.refused({ at: `/mcp/${target}`, ...refusal }),
  });
  app = createApp({ ...plane.parts, mcp: (request, target, source) => gateway.fetch(request, target, source) });
});
afterAll(() => plane.close());
beforeEach(async () => {
  // What was counted before belongs to the cases before; after a quiet interval each kind is new again.
  await plane.parts.refusals.flush();
  await plane.parts.refusals.flush();
});

/** What was recorded about refusals since `from`, once all that is under way has been written. */
async function refusedSince(from: number) {
  await plane.parts.refusals.flush();
  await plane.store.append([]);
  return plane
    .records()
    .slice(from)
    .flatMap((record) => (record.kind === 'event' && record.event === 'request.refused' ? [record] : []));
}

test.each(Object.keys(SURFACES) as NegativeCase['of'][])('without a change, `%s` is good', async (of) => {
  const request = await requestOf(plane, { of, change: {} });
  const answer = await app.request(request);
  if (of === 'mcp') expect(await answer.text()).not.toMatch(/token|proof/);
  else expect(answer.status).toBe(200);
});

test('names are unique, and every surface and many clauses have cases', () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  expect(new Set(CASES.map(({ of }) => of))).toEqual(new Set(Object.keys(SURFACES)));
  expect(CASES.length).toBeGreaterThanOrEqual(40);
});

test.each(CASES.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
  const request = await requestOf(plane, one);
  const sent = await request.clone().text();
  const from = plane.store.size();
  const answer = await app.request(request);
  const text = await answer.text();
  expect({ status: answer.status, error: errorOf(one, answer, text) }, text).toEqual({
    status: one.status,
    error: one.error,
  });
  if (one.of !== 'mcp') expect(answer.headers.get('cache-control')).toBe('no-store');
  if (one.status === 401 && !OAUTH.has(SURFACES[one.of])) {
    expect(answer.headers.get('www-authenticate')).toContain('resource_metadata="');
  }

  const refused = await refusedSince(from);
  expect(refused).toHaveLength(1);
  expect(refused[0]!.subject).toMatchObject({ at: SURFACES[one.of], source: 'unknown', count: 1 });
  const code = refused[0]!.subject['error'] as ErrorCode;
  expect(code === 'unauthenticated' ? null : ERROR_TABLE[code].oauth).toBe(one.error);

  // Nothing that was sent comes back or is kept, nothing is permitted, and nothing was fetched on its say-so.
  const kept = JSON.stringify(plane.records().slice(from));
  for (const secret of secretsOf(request.headers, sent)) {
    expect(text).not.toContain(secret);
    expect(kept).not.toContain(secret);
  }
  expect(plane.records().slice(from)).toHaveLength(1);
  expect(text).not.toContain('access_token"');
  expect(outside).not.toHaveBeenCalled();
  expect(plane.faults).toEqual([]);
});

function errorOf(one: NegativeCase, answer: Response, text: string): string | null {
  if (OAUTH.has(SURFACES[one.of])) return (JSON.parse(text) as { error: string }).error;
  return /error="(\w+)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1] ?? null;
}

/** Payloads and signatures of every token in a request, and passwords. */
function secretsOf(headers: Headers, body: string): string[] {
  const values = [headers.get('dpop') ?? '', headers.get('authorization') ?? '', ...new URLSearchParams(body).values()];
  const tokens = values.filter((value) => !/^(urn|https):/.test(value));
  const parts = tokens.flatMap((value) => value.split(/[.,\s]/)).filter((part) => part.length > 40);
  return [...parts, 'hunter2', 'cmVtaXQ6aHVudGVyMg'];
}
