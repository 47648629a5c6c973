import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pdpThatHides } from '../../test/fixtures/broken-engine.ts';
import {
  openControlPlane,
  personSession,
  SUMMARISER,
  type ControlPlane,
  type ControlPlaneOptions,
} from '../../test/fixtures/control-plane.ts';
import { sha256 } from '../../test/fixtures/task.ts';
import type { Action } from '../core/action.ts';
import type { DecisionInput } from '../core/decision.ts';
import { Unavailable } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { DecisionRecord, EventRecord } from '../core/record.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { PolicySetStore } from '../store/ports.ts';
import { createDistrust } from './distrust.ts';
import { holdInForce, policyAtStart } from './in-force.ts';
import { recordedInput } from './recorded-input.ts';

const FILES = {
  'test.cedar': `
@id("all") permit (principal, action, resource);
@id("security-alone-lists") forbid (principal, action == Action::"remit:task.list", resource)
unless { principal in Group::"security" };
@id("security-alone-publishes") forbid (principal, action == Action::"remit:policy.publish", resource)
unless { principal in Group::"security" };`,
};
const CORRECTED = { 'test.cedar': `${FILES['test.cedar']}\n// again` };

let folder: string;
let plane: ControlPlane;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-distrust-'));
});
afterEach(async () => {
  await plane.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The process starts with an engine that misses a forbid of the set. */
async function start(hidden: string, more: ControlPlaneOptions = {}): Promise<void> {
  const create = (files: Record<string, string>) => pdpThatHides(hidden, files);
  plane = await openControlPlane({ policies: FILES, create, sample: 1, folder, ...more });
}

async function restart(hidden: string, more: ControlPlaneOptions = {}): Promise<void> {
  await plane.close();
  await start(hidden, more);
}

const health = async () => (await plane.app.request('/healthz')).json();
const degraded = () =>
  vi.waitFor(async () => expect(await health()).toMatchObject({ status: 'degraded' }), {
    timeout: 15_000,
    interval: 5,
  });
const distrusted = () => plane.store.distrustedPolicySets();

describe('a policy set whose policies are evaluated otherwise than Cedar says', () => {
  test('denies from then on, through a restart, until another is published', async () => {
    await start('security-alone-lists');
    const alice = await personSession(plane, 'alice');
    expect(await health()).toEqual({ status: 'ok' });
    expect((await alice.call('GET', '/v1/tasks')).status).toBe(200);
    await degraded();

    expect(await health()).toEqual({ status: 'degraded', concerns: ['policy_set_distrusted'] });
    expect((await alice.call('GET', '/v1/tasks')).status).toBe(403);
    const denied = await alice.call('GET', '/v1/targets');
    expect([denied.status, await denied.json()]).toMatchObject([
      403,
      { detail: expect.stringContaining('the policy set in force is distrusted') },
    ]);
    expect(plane.records().at(-1)).toMatchObject({ decision: { reasons: [{ code: 'policy_set_distrusted' }] } });
    // Nobody can tell from such a record what the policies would have said.
    const last = plane.records().at(-1) as DecisionRecord;
    expect(recordedInput(last, sha256)).toEqual({ exact: false, input: null, because: 'set_distrusted' });
    expect(plane.log.join('')).toContain('"level":60');

    await vi.waitFor(() => expect(distrusted()).toHaveLength(1));
    const hash = plane.parts.pdp().policySet;
    const [event] = plane.records().filter((record) => record.kind === 'event' && record.event === 'policy.distrusted');
    const { decision } = distrusted()[0]!;
    expect(event).toMatchObject({
      subject: {
        policy_set: hash,
        decision,
        difference: { in: 'forbids', engine: [], cedar: ['security-alone-lists'] },
      },
    });
    expect(plane.records().find(({ id }) => id === decision)).toMatchObject({ action: { operation: 'task.list' } });

    await restart('security-alone-lists');
    expect(plane.log.join('')).toContain('the policy set in force is distrusted');
    expect(await health()).toMatchObject({ concerns: ['policy_set_distrusted'] });
    // Somebody who signs in now can still see what is so, and mend it.
    const carol = await personSession(plane, 'carol');
    expect((await carol.call('GET', '/v1/tasks')).status).toBe(403);
    expect(await (await carol.call('GET', '/v1/policy')).json()).toMatchObject({
      in_force: { policy_set: hash, distrusted: true },
      distrusted: [{ policy_set: hash, decision }],
    });
    expect((await carol.call('GET', `/v1/log/records/${decision}`)).status).toBe(200);
    // What the engine at fault made of it can still be looked at.
    const explained = await carol.call('GET', `/v1/policy/explain/${decision}`);
    expect(await explained.json()).toMatchObject({ outcome: 'permit', agrees: true });
    expect((await carol.call('POST', '/v1/policy/publish', { files: CORRECTED })).status).toBe(200);

    expect(await health()).toEqual({ status: 'ok' });
    expect((await carol.call('GET', '/v1/tasks')).status).toBe(200);
    const again = await personSession(plane, 'alice');
    expect((await again.call('GET', '/v1/targets')).status).toBe(200);
    expect((await again.call('GET', '/v1/tasks')).status).toBe(403);

    // There is no way back to it.
    for (const [path, body] of [
      ['publish', { files: FILES }],
      ['rollback', { to: hash }],
    ] as const) {
      const refused = await carol.call('POST', `/v1/policy/${path}`, body);
      expect([refused.status, await refused.json()]).toMatchObject([
        409,
        { detail: expect.stringContaining('distrusted') },
      ]);
    }
    expect((await carol.call('POST', '/v1/policy/rollback', {})).status).toBe(404);
    await vi.waitFor(() => expect(plane.referee.status().checked).toBeGreaterThan(3), 15_000);
    expect(distrusted()).toHaveLength(1);
  });

  test('gives nobody a way out whom Cedar denies it', async () => {
    await start('security-alone-publishes');
    const dan = await personSession(plane, 'dan');
    // Permitted by the engine at fault, and refused only because nothing is in it.
    expect((await dan.call('POST', '/v1/policy/publish', { files: {} })).status).toBe(400);
    await degraded();
    expect((await dan.call('POST', '/v1/policy/publish', { files: CORRECTED })).status).toBe(403);
    expect(plane.store.policyHistory(10)).toHaveLength(1);
    const carol = await personSession(plane, 'carol');
    expect((await carol.call('POST', '/v1/policy/publish', { files: CORRECTED })).status).toBe(200);
  });

  test('gives no agent a token, and a person one for themselves alone', async () => {
    await start('security-alone-lists');
    const alice = await personSession(plane, 'alice');
    await alice.call('GET', '/v1/tasks');
    await degraded();
    const { pdp } = plane.parts;
    const input = {
      ...ownInput(),
      agent: { id: SUMMARISER as SpiffeId, trustDomain: 'remit.local', attestation: 'jwt-svid' as const },
    };
    expect(pdp().decide(ownInput()).outcome).toBe('permit');
    expect(pdp().decide(input).outcome).toBe('deny');
    expect(pdp().couldPermit(input)).toBe(false);
  });

  test('does not come back from the policy folder', async () => {
    await start('security-alone-lists');
    await (await personSession(plane, 'alice')).call('GET', '/v1/tasks');
    await vi.waitFor(() => expect(distrusted()).toHaveLength(1), 15_000);
    const hash = plane.parts.pdp().policySet;
    await restart('security-alone-lists', { policies: CORRECTED, sample: 0 });
    expect(await health()).toEqual({ status: 'ok' });
    const create = (files: Record<string, string>) => pdpThatHides('all', files);
    const again = policyAtStart(FILES, { store: plane.store, create, event, clock: () => 0 });
    await expect(again).rejects.toThrow(`the policy folder holds ${hash}, which is distrusted`);
  });
});

const event = (name: EventRecord['event'], subject: JsonObject): EventRecord => ({
  version: 1,
  id: 'rec_event',
  time: 5,
  kind: 'event',
  event: name,
  subject,
});

describe('a distrust that cannot be stored', () => {
  const pdp = () => pdpThatHides('all', FILES);

  test('denies at once, and is tried until it is stored, with the same record', async () => {
    plane = await openControlPlane();
    const tried: unknown[] = [];
    const store: PolicySetStore = {
      ...plane.store,
      distrustPolicySet: async (set, records) => {
        tried.push(records[0]!.id);
        if (tried.length < 4) throw new Unavailable('disk full');
        return plane.store.distrustPolicySet(set, records);
      },
    };
    const inForce = holdInForce(pdp(), []);
    const { policySet } = inForce.current();
    const told: unknown[] = [];
    const problems: unknown[] = [];
    const distrust = createDistrust({
      store,
      inForce,
      event,
      onDistrust: (found) => told.push(found),
      onProblem: (problem) => problems.push(problem),
      retryAfterMs: { first: 1, most: 2 },
    });
    const found = { policySet, record: 'rec_1', difference: { in: 'permits', engine: [], cedar: ['all'] } };
    distrust.found(found);
    expect(inForce.current().decide(ownInput({ operation: 'task.list', effect: 'read' })).reasons).toMatchObject([
      { code: 'policy_set_distrusted' },
    ]);
    distrust.found(found);
    await vi.waitFor(() => expect(distrusted()).toEqual([{ hash: policySet, decision: 'rec_1', at: 5 }]));
    expect([told.length, problems.length, tried]).toEqual([1, 3, Array(4).fill('rec_event')]);
    await distrust.close();
  });

  test('is tried once more at the end, and given up then', async () => {
    plane = await openControlPlane();
    let tried = 0;
    const store: PolicySetStore = {
      ...plane.store,
      distrustPolicySet: async () => {
        tried += 1;
        throw new Unavailable('disk full');
      },
    };
    const inForce = holdInForce(pdp(), []);
    const distrust = createDistrust({ store, inForce, event, onDistrust: () => {}, onProblem: () => {} });
    distrust.found({
      policySet: inForce.current().policySet,
      record: 'rec_1',
      difference: { in: 'permits', engine: [], cedar: [] },
    });
    await vi.waitFor(() => expect(tried).toBe(1));
    await distrust.close();
    expect(tried).toBe(2);
  });

  test('holds whichever comes first, the distrust or the swap', () => {
    const inForce = holdInForce(pdp(), []);
    const other = pdpThatHides('all', CORRECTED);
    inForce.distrust(other.policySet);
    expect(inForce.current().decide(ownInput()).outcome).not.toBe('permit');
    inForce.swap(other);
    expect(inForce.current().decide(ownInput({ operation: 'task.list', effect: 'read' })).reasons).toMatchObject([
      { code: 'policy_set_distrusted' },
    ]);
  });
});

/** Carol asks for a token. */
function ownInput(action: Partial<Action> = {}): DecisionInput {
  return {
    now: 0,
    fresh: true,
    action: {
      target: 'remit',
      operation: 'token.issue',
      effect: 'mint',
      resources: [],
      sensitivity: 'internal',
      arguments: {},
      protocol: false,
      definition: 'builtin',
      ...action,
    },
    agent: null,
    delegator: { issuer: 'https://idp.example.test', subject: 'carol', groups: ['security'] },
    chain: [],
    token: null,
    approval: null,
  };
}
