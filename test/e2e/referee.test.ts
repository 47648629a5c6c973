import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { requestTask } from '../harness/quickstart.ts';
import { startRemit, until, type RemitProcess } from '../harness/remit-process.ts';

const AGENT = 'spiffe://remit.local/agent/summariser';

type Status = {
  in_force: { policy_set: string; distrusted: boolean };
  distrusted: { decision: string }[];
  referee: { state: string; checked: number; failed: number };
};

let remit: RemitProcess;
beforeAll(async () => {
  remit = await startRemit({
    prepare: (folder) => {
      const config = join(folder, 'remit.yaml');
      writeFileSync(config, readFileSync(config, 'utf8').replace('sample: 0.01', 'sample: 1'));
    },
  });
}, 30_000);
afterAll(() => remit.dispose());

const carol = (...args: string[]) => remit.cli([...args, '--as', 'carol', '--json']);
const status = async () => JSON.parse((await carol('policy', 'status')).stdout) as Status;
const health = async () => (await fetch(`${remit.url}/healthz`)).json();
const newTask = () =>
  requestTask(remit, { agent: AGENT, purpose: 'test', grant: join(remit.folder, 'summarise.yaml') });

test('a running Remit has every decision evaluated again, and finds no difference', async () => {
  await newTask();
  let seen: Status | undefined;
  await until(async () => (seen = await status()).referee.checked > 2, 50_000);
  expect(seen).toMatchObject({ in_force: { distrusted: false }, distrusted: [], referee: { state: 'ok', failed: 0 } });
  expect(await health()).toEqual({ status: 'ok' });
}, 60_000);

test('a set that was distrusted denies after a restart, says why, and is left by publishing another', async () => {
  const hash = (await status()).in_force.policy_set;
  await remit.stop();
  const store = await openSqliteStore({ file: join(remit.dataDir, 'remit.db'), clock: Date.now });
  await store.distrustPolicySet({ hash, decision: 'rec_why', at: Date.now() }, []);
  await store.close();
  await remit.start();

  expect(remit.output()).toContain('the policy set in force is distrusted');
  expect(await health()).toEqual({ status: 'degraded', concerns: ['policy_set_distrusted'] });
  await expect(newTask()).rejects.toThrow('publish another policy set');
  const { stdout } = await remit.cli(['policy', 'status', '--as', 'carol']);
  expect(stdout).toMatch(new RegExp(`in force .* ${hash} {2}distrusted`));
  expect(stdout).toContain('remit log show rec_why');
  expect(stdout).toContain('everything is denied');
  // Without a change it is the same set.
  const policies = join(remit.folder, 'policies');
  const same = await carol('policy', 'publish', policies);
  expect([same.code, same.stderr]).toEqual([expect.any(Number), expect.stringContaining('distrusted')]);
  expect(same.code).not.toBe(0);

  const file = join(policies, 'base.cedar');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n// looked at again\n`);
  const published = await carol('policy', 'publish', policies);
  expect([published.code, published.stderr]).toEqual([0, '']);
  expect(await health()).toEqual({ status: 'ok' });
  await newTask();
  expect((await remit.cli(['log', 'verify'])).code).toBe(0);
}, 120_000);
