import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askForIdentity } from '../../src/cli/agent.ts';
import { authoritySocket } from '../../src/cli/as-agent.ts';
import { createWorkloadClient } from '../../src/identity/workload-client.ts';
import { startAgent, type AgentProcess } from '../harness/agent-process.ts';
import { addTarget, dropTargets, requestTask } from '../harness/quickstart.ts';
import { root, startRemit, until, type RemitProcess } from '../harness/remit-process.ts';

/** The whole program, with proofs that need a nonce: what a revocation does to an agent that is at work. */
const AGENT = 'spiffe://remit.local/agent/summariser';
let remit: RemitProcess;
let agent: AgentProcess;

beforeAll(async () => {
  remit = await startRemit({
    prepare: (folder) => {
      dropTargets(folder);
      const STARTED = { value: join(folder, 'slow.started') };
      writeFileSync(STARTED.value, '');
      addTarget(folder, {
        name: 'slow',
        upstream: {
          stdio: { command: 'node', args: [join(root, 'test/demo/slow-server.ts')], env: { STARTED } },
        },
        operations: { wait: { effect: 'read' } },
      });
      const config = join(folder, 'remit.yaml');
      writeFileSync(config, `${readFileSync(config, 'utf8')}\ndpop: { nonce: required }\n`);
    },
  });
  agent = await startAgent(remit, AGENT);
}, 60_000);
afterAll(async () => {
  await agent.dispose();
  await remit.dispose();
});

test(
  'a revoked token ends the call that came with it, and the agent goes on with another',
  { timeout: 60_000 },
  async () => {
    const { id: task } = await requestTask(remit, {
      agent: AGENT,
      purpose: 'wait',
      grant: '[{target: slow, operations: [wait]}]',
    });
    await agent.ask({ do: 'connect', target: 'slow', task, revision: 'auto' });
    const call = (seconds: number) =>
      agent.ask<object>({ do: 'call', target: 'slow', name: 'wait', arguments: { seconds } });
    const inFlight = call(50);
    await until(() => readFileSync(join(remit.folder, 'slow.started'), 'utf8').length > 0, 20_000);
    const { token } = await agent.ask<{ token: string }>({ do: 'token', target: 'slow' });

    const identity = await askForIdentity(authoritySocket(remit.dataDir), AGENT);
    const workload = createWorkloadClient(`unix:${identity.socket}`);
    const { svid } = await workload.fetchJwtSvid(remit.url);
    workload.close();
    identity.release();
    const answer = await fetch(`${remit.url}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({
        token,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: svid,
      }),
    });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(await inFlight)).toContain('cut: the access token was revoked');
    expect(JSON.stringify(await call(0))).toContain('waited');
    const again = await agent.ask<{ token: string }>({ do: 'token', target: 'slow' });
    expect(again.token).not.toBe(token);

    const tail = async () =>
      (await remit.cli(['log', 'tail', '--dir', join(remit.dataDir, 'log'), '-n', '50', '--json'])).stdout;
    await until(async () => (await tail()).includes('"token.revoked"'), 10_000);
    const log = await tail();
    expect(log).toContain(decodeJwt(token).jti);
    expect(log).not.toContain(token.split('.')[2]);
  },
);
