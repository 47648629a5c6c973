import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  agentSession,
  ISSUER,
  KEY_PERIODS,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
} from '../../test/fixtures/control-plane.ts';

let plane: ControlPlane;
beforeEach(async () => {
  plane = await openControlPlane();
});
afterEach(() => plane.close());

test('while keys rotate under load no good request is refused', async () => {
  const person = await personSession(plane, 'alice');
  const { id } = await requestTask(person, { lifetime_seconds: 3000 });
  const first = await agentSession(plane);
  const taskToken = await subjectToken(first, id);
  const kids = new Set<string>();
  for (let round = 0; round < 24; round += 1) {
    plane.clock.advance(30_000);
    const agent = await agentSession(plane);
    const tending = plane.tokenKey.tend();
    const statuses = await Promise.all([
      ...Array.from({ length: 4 }, async () => (await agent.call('GET', `/v1/tasks/${id}`)).status),
      ...Array.from({ length: 4 }, async () => {
        const answer = await agent.token({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token_type: 'urn:remit:params:oauth:token-type:task',
          subject_token: taskToken,
          actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          actor_token: await plane.svid(SUMMARISER),
          resource: `${ISSUER}/mcp/files`,
        });
        return answer.status;
      }),
    ]);
    await tending;
    expect(statuses).toEqual(Array.from({ length: 8 }, () => 200));
    // Issued before the keys moved, and good for five minutes whatever they do.
    expect((await agent.call('GET', `/v1/tasks/${id}`)).status).toBe(200);
    for (const { kid } of plane.tokenKey.publicJwks()) kids.add(kid!);
  }
  expect(kids.size).toBeGreaterThanOrEqual(5);
  expect(plane.faults).toEqual([]);
});

test('a key that was rotated away by hand stays for as long as a token of it can live, and no longer', async () => {
  const carol = await personSession(plane, 'carol');
  const [old] = plane.tokenKey.status();
  expect((await carol.call('POST', '/v1/keys/rotate', { now: true })).status).toBe(200);
  const published = async () => {
    await plane.tokenKey.tend();
    const { keys } = (await (await plane.app.request('/jwks')).json()) as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid);
  };
  plane.clock.advance(KEY_PERIODS.retire - 5_000);
  expect(await published()).toContain(old!.kid);
  plane.clock.advance(5_000);
  expect(await published()).not.toContain(old!.kid);
});
