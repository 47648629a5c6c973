import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { obtainIdToken } from '../../src/cli/login.ts';
import { requestTask } from '../harness/quickstart.ts';
import { freePort, root, startRemit, until, type RemitProcess } from '../harness/remit-process.ts';

/** The example of docs/approvals.md against Remit: told by webhook, answered as a person. */
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const AGENT = 'spiffe://remit.local/agent/summariser';

let remit: RemitProcess;
let receiver: ChildProcess;
let port: number;
let said = '';

beforeAll(async () => {
  port = await freePort();
  remit = await startRemit({
    env: { CHAT_WEBHOOK_SECRET: SECRET },
    prepare: (folder) => {
      const file = join(folder, 'remit.yaml');
      const webhook = `{ name: chat, url: 'http://127.0.0.1:${port}/', secret: { from_env: CHAT_WEBHOOK_SECRET } }`;
      writeFileSync(file, `${readFileSync(file, 'utf8')}\napprovals:\n  webhooks:\n    - ${webhook}\n`);
    },
  });
  receiver = spawn(process.execPath, [join(root, 'examples/approval-webhook/receiver.ts')], {
    env: {
      ...process.env,
      PORT: String(port),
      REMIT_WEBHOOK_SECRET: SECRET,
      REMIT_URL: remit.url,
      REMIT_COMMAND: `${process.execPath} ${join(root, 'src/main.ts')}`,
      REMIT_ID_TOKEN: await obtainIdToken({ issuer: `${remit.url}/dev/idp`, clientId: 'remit', as: 'bob' }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  receiver.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text));
  await until(() => said.includes('receiver: listening'), 10_000);
}, 60_000);
afterAll(async () => {
  receiver?.kill();
  await remit?.dispose();
});

const post = (headers: Record<string, string>, body = '{}') =>
  fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body }).then(({ status }) => status);

test('the receiver believes nothing that is not signed, or was signed long ago', async () => {
  const now = Math.floor(Date.now() / 1000);
  const signed = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(now), 'webhook-signature': 'v1,AAAA' };
  expect(await post({})).toBe(400);
  expect(await post(signed)).toBe(400);
  const { signedHeaders } = await import('../../src/approval/webhook-signature.ts');
  const key = Buffer.alloc(32, 7);
  const old = signedHeaders({ id: 'msg_1', at: Date.now() - 400_000, body: '{}' }, [key]);
  expect(await post(old)).toBe(400);
  const good = signedHeaders({ id: 'msg_1', at: Date.now(), body: '{}' }, [key]);
  expect(await post(good, '{"type":"approval.requested"}')).toBe(400);
});

test('it hears of a held call, answers as a person, and the call goes through', { timeout: 60_000 }, async () => {
  const grant = '[{target: files, effects: [write]}]';
  const { id: task } = await requestTask(remit, { agent: AGENT, purpose: 'write a note', grant });
  const call = () =>
    remit.cli(['call', '--dev-id', AGENT, '--task', task, 'write_file', '{"path":"out/a.md","content":"all is well"}']);
  expect((await call()).stdout + (await call()).stderr).toContain('held: approval');
  await until(() => /apr_\w+ waits/.test(said), 10_000);
  expect(said).toContain('  content: "all is well"');
  const [id] = /apr_\w+/.exec(said)!;
  receiver.stdin!.write(`approve ${id} looks good\n`);
  await until(() => said.includes(`approve ${id}: done`), 20_000);
  await until(() => said.includes(`${id} is approved`), 10_000);
  const shown = await remit.cli(['approvals', 'show', id!, '--as', 'bob', '--json']);
  expect(JSON.parse(shown.stdout)).toMatchObject({
    answers: [{ by: expect.stringMatching(/\|bob$/), reason: 'looks good' }],
  });
  expect((await call()).stdout).toContain('Successfully wrote');
});
