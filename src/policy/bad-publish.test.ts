import { afterAll, beforeAll, expect, test } from 'vitest';
import { openControlPlane, personSession, type ControlPlane, type Session } from '../../test/fixtures/control-plane.ts';
import { HOSTILE_SETS, OPEN } from '../../test/fixtures/hostile-policies.ts';

// What cannot be used leaves the set in force as it is, and the process decides as it did.

/** As of a process that nobody has configured otherwise. */
const MAX_BODY = 4 * 1024 * 1024;

let plane: ControlPlane;
let carol: Session;
beforeAll(async () => {
  plane = await openControlPlane({ maxBodyBytes: MAX_BODY });
  carol = await personSession(plane, 'carol');
});
afterAll(() => plane.close());

const inForce = () => plane.store.policyHistory(1)[0]!.hash;
const publish = (body: unknown) => carol.call('POST', '/v1/policy/publish', body as object);

/** A decision by the set in force, as it is recorded. */
async function decided() {
  const alice = await personSession(plane, 'alice');
  const { status } = await alice.call('GET', '/v1/policy');
  return { status, record: plane.records().at(-1)!.kind, decision: Reflect.get(plane.records().at(-1)!, 'decision') };
}

test('each hostile set is refused with its place, and nothing changes', { timeout: 120_000 }, async () => {
  const before = inForce();
  const decision = await decided();
  for (const { name, files, refused } of HOSTILE_SETS) {
    if (refused === null) continue;
    const response = await publish({ files });
    const { detail = '' } = (await response.json()) as { detail?: string };
    expect([response.status, detail], name).toEqual([400, expect.stringMatching(refused)]);
    expect(plane.records().at(-1), name).toMatchObject({ kind: 'event', event: 'policy.refused' });
    expect(inForce(), name).toBe(before);
  }
  expect(await decided()).toEqual(decision);
});

const FORMS: [string, unknown][] = [
  ['no files', {}],
  ['files that are a list', { files: [OPEN] }],
  ['a file that is no text', { files: { 'a.cedar': 1 } }],
  ['a file named __proto__', JSON.parse(`{"files": {"a.cedar": ${JSON.stringify(OPEN)}, "__proto__": "x"}}`)],
  ['a file named constructor', { files: { 'a.cedar': OPEN, constructor: OPEN } }],
  ['a lone surrogate', { files: { 'a.cedar': `${OPEN} // \ud800` } }],
  ['a name with a line break', { files: { 'a\n.cedar': OPEN } }],
  ['a folder above', { files: { '../a.cedar': OPEN } }],
  [
    'a thousand files',
    { files: Object.fromEntries(Array.from({ length: 1000 }, (_none, n) => [`f${n}.cedar`, OPEN])) },
  ],
  ['a member that nobody knows', { files: { 'a.cedar': OPEN }, force: true }],
];
test.each(FORMS)('%s: refused as a request', async (_name, body) => {
  const before = inForce();
  const response = await publish(body);
  expect(response.status).toBe(400);
  expect(inForce()).toBe(before);
});

test('a long refusal is recorded cut, and never within a character', async () => {
  const names = Array.from({ length: 12 }, (_none, n) => `${'x'.repeat(190 + n)}😀😀`);
  const files = {
    'a.cedar': names.map((name) => `permit (principal, action == Action::"${name}", resource);`).join('\n'),
  };
  expect((await publish({ files })).status).toBe(400);
  expect(plane.records().at(-1)).toMatchObject({ event: 'policy.refused' });
});

test('after all that a good set is published, and decides', async () => {
  const before = inForce();
  expect((await publish({ files: { 'a.cedar': OPEN } })).status).toBe(200);
  expect(inForce()).not.toBe(before);
  expect(await decided()).toMatchObject({ status: 200, decision: { policy_set: inForce() } });
});
