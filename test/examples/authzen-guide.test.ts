import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTargetFile } from '../../src/config/target-file.ts';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
} from '../fixtures/control-plane.ts';
import { root } from '../harness/remit-process.ts';

/** What the guide to AuthZEN shows: its target, its policy, and its questions with their answers, over the real API. */

const guide = readFileSync(join(root, 'docs/authzen.md'), 'utf8');
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, text]) => text!);

let folder: string;
let plane: ControlPlane;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-authzen-'));
  const file = join(folder, 'records.yaml');
  writeFileSync(file, blocks('yaml')[0]!);
  const own = 'permit (principal, action, resource);';
  plane = await openControlPlane({
    targets: [readTargetFile(file, folder)],
    policies: { 'own.cedar': own, 'guide.cedar': blocks('cedar').join('\n') },
  });
});
afterAll(async () => {
  await plane.close();
  rmSync(folder, { recursive: true });
});

test('the policy of the guide names what there is, and a misspelt name is found', async () => {
  const carol = await personSession(plane, 'carol');
  const check = async (text: string) => {
    const files = { 'own.cedar': 'permit (principal, action, resource);', 'guide.cedar': text };
    const answer = await carol.call('POST', '/v1/policy/check', { files });
    const { findings } = (await answer.json()) as { findings: { file: string; message: string }[] };
    return findings.filter(({ file }) => file === 'guide.cedar').map(({ message }) => message);
  };
  const text = blocks('cedar').join('\n');
  expect(await check(text)).toEqual([]);
  expect(await check(text.replace('has owner', 'has ownr'))).toEqual([
    'there is no attribute `context.args.resource.properties.ownr`; did you mean `owner`?',
  ]);
});

test('each question of the guide can be asked, and its policy holds', async () => {
  const agent = await agentSession(plane);
  const grant = [{ target: 'records', effects: ['read', 'write'] }];
  const { id } = await requestTask(await personSession(plane, 'alice'), { grant, sensitivity: 'confidential' });
  const answer = await agent.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await subjectToken(agent, id),
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    actor_token: await plane.svid(SUMMARISER),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource: `${ISSUER}/authzen/records`,
  });
  const { access_token: accessToken } = (await answer.json()) as { access_token: string };
  const ask = async (path: string, body: string): Promise<unknown> => {
    const dpop = await agent.proof({ method: 'POST', url: `${ISSUER}${path}`, accessToken });
    const headers = { authorization: `DPoP ${accessToken}`, dpop, 'content-type': 'application/json' };
    return (await plane.app.request(path, { method: 'POST', headers, body })).json();
  };
  const shown = blocks('http').map((text) => ({
    path: /^POST (\S+)/.exec(text)![1]!,
    body: text.slice(text.indexOf('{')).replaceAll('spiffe://example.com/agent/reader', SUMMARISER),
  }));
  const evaluation_id = expect.stringMatching(/^rec_/) as string;
  const permit = { decision: true, context: { evaluation_id } };
  expect(await Promise.all(shown.map(({ path, body }) => ask(path, body)))).toEqual([
    permit,
    { evaluations: [permit, permit] },
  ]);
  const close = (owner: string) => ({
    subject: { type: 'user', id: 'alice' },
    action: { name: 'close', properties: { soft: true } },
    resource: { type: 'record', id: '2026/7', properties: { owner } },
  });
  expect(await ask('/access/v1/evaluation', JSON.stringify(close('alice')))).toEqual(permit);
  expect(await ask('/access/v1/evaluation', JSON.stringify(close('bob')))).toMatchObject({
    decision: false,
    context: { reason: 'denied: only what one owns is closed' },
  });
});
