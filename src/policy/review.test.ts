import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  openControlPlane,
  personSession,
  requestTask,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { sha256 } from '../../test/fixtures/task.ts';
import { policySetHash } from '../pdp/policy-set.ts';
import type { DiffReport } from './diff/diff.ts';

const OPEN = '@id("open") @reason("open") permit (principal, action, resource) when { context has task };';

let plane: ControlPlane;
let carol: Session;
beforeEach(async () => {
  plane = await openControlPlane();
  carol = await personSession(plane, 'carol');
});
afterEach(() => plane.close());

const inForce = () => plane.store.policyHistory(1)[0]!.hash;
const check = (files: Record<string, string>, session = carol) => session.call('POST', '/v1/policy/check', { files });

describe('checking at the server', () => {
  test('reports names, types and lints by file and line, and changes nothing', async () => {
    const before = inForce();
    const files = {
      'a.cedar': `${OPEN}\npermit (principal, action == Action::"files:raed_text_file", resource);`,
      'b.cedar': '@id("b") @reason("b") permit (principal, action in Action::"write", resource);',
    };
    const response = await check(files);
    expect(response.status).toBe(200);
    const hash = policySetHash(files, sha256);
    expect(await response.json()).toMatchObject({
      policy_set: hash,
      policies: 3,
      findings: [
        { severity: 'error', file: 'a.cedar', line: 2, message: expect.stringContaining('did you mean') as string },
        { severity: 'warning', file: 'a.cedar', line: 2 },
        { severity: 'warning', code: 'permit_without_task', file: 'b.cedar', line: 1 },
      ],
    });
    expect(inForce()).toBe(before);
    expect(plane.records().at(-1)).toMatchObject({
      kind: 'decision',
      action: { operation: 'policy.read', resources: [`policy:${hash}`] },
    });
  });

  test.each([
    ['text that is not Cedar', { 'a.cedar': `${OPEN}\n\npermit (principal;` }, 'a.cedar:3'],
    [
      'ten thousand brackets',
      { 'a.cedar': `permit (principal, action, resource) when { ${'('.repeat(10_000)} };` },
      'a.cedar:1',
    ],
    ['a set that permits nothing', { 'a.cedar': 'forbid (principal, action, resource);' }, 'permits nothing'],
  ])('%s is refused with its place', async (_what, files, place) => {
    const response = await check(files);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain(place);
  });

  test('many at once are checked one after the other, and one that fails stands in nobody’s way', async () => {
    const responses = await Promise.all([
      check({ 'a.cedar': OPEN }),
      check({ 'a.cedar': 'permit' }),
      check({ 'b.cedar': OPEN }),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([200, 400, 200]);
  });
});

describe('comparing at the server', () => {
  test('tells what a draft would let through, from the set in force, and changes nothing', async () => {
    const before = inForce();
    const files = { 'a.cedar': OPEN, 'b.cedar': '@id("log") permit (principal, action in Action::"read", resource);' };
    const response = await carol.call('POST', '/v1/policy/diff', { files, requests: 2_000 });
    const report = (await response.json()) as DiffReport;
    expect(response.status).toBe(200);
    expect(report).toMatchObject({ before, after: policySetHash(files, sha256) });
    expect(report.groups[0]).toMatchObject({ from: 'deny', to: 'permit' });
    expect(inForce()).toBe(before);
    const broken = await carol.call('POST', '/v1/policy/diff', { files: { 'a.cedar': 'permit' } });
    expect(broken.status).toBe(400);
  });
});

describe('explaining at the server', () => {
  test('needs both the log and policy, each on the record', async () => {
    await requestTask(await personSession(plane, 'alice'));
    const decided = plane.records().find(({ kind }) => kind === 'decision')!;
    const response = await carol.call('GET', `/v1/policy/explain/${decided.id}`);
    expect([response.status, await response.json()]).toMatchObject([200, { record: decided.id, agrees: true }]);
    expect(plane.records().slice(-2)).toMatchObject([
      { action: { operation: 'log.read', resources: [`record:${decided.id}`] } },
      { action: { operation: 'policy.read', resources: [`policy:${inForce()}`] } },
    ]);
  });

  test('what is no decision, and what is not there', async () => {
    const files = { 'open.cedar': '@id("open") permit (principal, action, resource);' };
    expect((await carol.call('POST', '/v1/policy/publish', { files })).status).toBe(200);
    const event = plane.records().find(({ kind }) => kind === 'event')!;
    expect((await carol.call('GET', `/v1/policy/explain/${event.id}`)).status).toBe(400);
    expect((await carol.call('GET', '/v1/policy/explain/rec_none')).status).toBe(404);
  });
});
