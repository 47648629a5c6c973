import { decodeProtectedHeader } from 'jose';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { obtainIdToken } from '../../src/cli/login.ts';
import { openPersonSession } from '../../src/cli/person-session.ts';
import { startAgent, type AgentProcess } from '../harness/agent-process.ts';
import { requestTask } from '../harness/quickstart.ts';
import { startRemit, type RemitProcess } from '../harness/remit-process.ts';

const AGENT = 'spiffe://remit.local/agent/summariser';
/** `false` publishes a key that the `true` after it lets sign. */
const ROTATIONS = [true, true, false, true, true];

let remit: RemitProcess;
let agents: AgentProcess[];
beforeAll(async () => {
  remit = await startRemit();
  agents = await Promise.all([startAgent(remit, AGENT), startAgent(remit, AGENT)]);
}, 30_000);
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.dispose()));
  await remit.dispose();
});

test('while the signing key is rotated under load, no good request is refused', { timeout: 60_000 }, async () => {
  const grant = join(remit.folder, 'summarise.yaml');
  for (const agent of agents) {
    const { id: task } = await requestTask(remit, { agent: AGENT, purpose: 'read under rotation', grant });
    await agent.ask({ do: 'connect', target: 'files', task, revision: 'auto' });
  }
  const carol = await openPersonSession({
    remitUrl: remit.url,
    idToken: () => obtainIdToken({ issuer: `${remit.url}/dev/idp`, clientId: 'remit', as: 'carol' }),
  });
  let rotating = true;
  const done = { calls: 0, exchanges: 0 };
  const signedBy = new Set<string | undefined>();
  // With a token from before the first rotation: its key retires meanwhile.
  const calling = async (agent: AgentProcess) => {
    while (rotating) {
      const call = { do: 'call' as const, target: 'files', name: 'read_text_file' };
      const answer = await agent.ask<{ isError?: boolean; content: unknown }>({
        ...call,
        arguments: { path: 'notes/monday.md' },
      });
      expect(answer.isError).not.toBe(true);
      expect(JSON.stringify(answer.content)).toContain('# Monday');
      done.calls += 1;
    }
  };
  // Each with a session, and so a token, of its own.
  const exchanging = async (agent: AgentProcess) => {
    while (rotating) {
      const { token } = await agent.ask<{ token: string }>({ do: 'own-token' });
      signedBy.add(decodeProtectedHeader(token).kid);
      done.exchanges += 1;
    }
  };
  const load = Promise.all(
    agents.flatMap((agent) => [calling(agent), calling(agent), exchanging(agent), exchanging(agent)]),
  );
  /** Each key of the moment has signed. Four of the exchanges may have begun before. */
  const underLoad = async () => {
    const before = { ...done };
    while (done.calls < before.calls + 4 || done.exchanges < before.exchanges + 8) {
      await Promise.race([load, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
  };
  const rotations = async () => {
    await underLoad();
    for (const now of ROTATIONS) {
      const body = JSON.stringify({ now });
      const headers = { 'content-type': 'application/json' };
      const response = await carol.fetch(`${remit.url}/v1/keys/rotate`, { method: 'POST', headers, body });
      expect([response.status, await response.json()]).toMatchObject([200, { encrypted: false }]);
      await underLoad();
    }
  };
  await rotations().finally(() => (rotating = false));
  await load;

  const { keys } = (await (await fetch(`${remit.url}/jwks`)).json()) as { keys: { kid: string }[] };
  expect(keys).toHaveLength(5);
  expect(signedBy).toEqual(new Set(keys.map(({ kid }) => kid)));
  expect(remit.output()).not.toMatch(/"level":(50|60)/);
  expect((await remit.cli(['log', 'verify'])).code).toBe(0);
});
