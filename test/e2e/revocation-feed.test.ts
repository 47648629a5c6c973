import { afterAll, beforeAll, expect, test } from 'vitest';
import { obtainIdToken } from '../../src/cli/login.ts';
import { openPersonSession } from '../../src/cli/person-session.ts';
import type { BoundFetch } from '../../src/cli/bound-tokens.ts';
import { followRevocations, type Revocations } from '../../src/verify/index.ts';
import { startRemit, type RemitProcess } from '../harness/remit-process.ts';

let remit: RemitProcess;
let followed: Revocations | undefined;
beforeAll(async () => {
  remit = await startRemit();
}, 30_000);
afterAll(async () => {
  followed?.close();
  await remit.dispose();
});

async function session(as: string): Promise<BoundFetch> {
  const idToken = () => obtainIdToken({ issuer: `${remit.url}/dev/idp`, clientId: 'remit', as });
  return (await openPersonSession({ remitUrl: remit.url, idToken })).fetch;
}

const AGENT = 'spiffe://remit.local/agent/summariser';

async function endedTask(alice: BoundFetch): Promise<string> {
  const post = (path: string, body: object) =>
    alice(`${remit.url}/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const grant = [{ target: 'files', effects: ['read'] }];
  const { id } = (await (await post('/tasks', { agent: AGENT, purpose: 'test', grant })).json()) as { id: string };
  expect((await post(`/tasks/${id}/revoke`, { reason: 'test' })).status).toBe(200);
  return id;
}

test(
  'over a socket, and over kill -9: every end comes once, in order, and a follower knows each',
  { timeout: 90_000 },
  async () => {
    const carol = await session('carol');
    const alice = await session('alice');
    followed = followRevocations({
      ask: async (path, init) => carol(`${remit.url}/v1${path}`, init),
      maxStaleSeconds: 300,
    });
    await followed.ready;
    const knows = (task: string) =>
      followed!.verdict({ jti: 'j', task, sub: 's', actors: [{ sub: AGENT, iss: 'i' }], all: {} }, undefined);

    const before = await Promise.all(Array.from({ length: 10 }, () => endedTask(alice)));
    await expect.poll(() => before.map(knows), { timeout: 10_000 }).toEqual(before.map(() => 'revoked'));

    await remit.kill();
    await remit.start();
    const after = await Promise.all(Array.from({ length: 10 }, () => endedTask(alice)));
    await expect.poll(() => after.map(knows), { timeout: 20_000 }).toEqual(after.map(() => 'revoked'));
    expect(knows('task_other')).toBe('good');

    const page = (await (await carol(`${remit.url}/v1/revocations?limit=1000`)).json()) as {
      revocations: { sequence: number; kind: string; subject: { task?: string } }[];
    };
    expect(page.revocations.map(({ sequence }) => sequence)).toEqual(page.revocations.map((_, place) => place + 1));
    const told = page.revocations.flatMap(({ kind, subject }) => (kind === 'task.ended' ? [subject.task] : []));
    expect(new Set(told)).toEqual(new Set([...before, ...after]));
    expect(told).toHaveLength(20);
  },
);
