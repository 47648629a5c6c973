import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  requestTask,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { NOW, sampleAction, sampleInput, sampleTask } from '../../test/fixtures/task.ts';
import { decisionRecord } from '../core/decision-record.ts';
import { deny } from '../core/decide.ts';
import type { Grant } from '../core/grant.ts';
import { beyondGrants } from '../core/grant-within.ts';
import type { DecisionRecord, OutcomeRecord } from '../core/record.ts';
import type { Effect } from '../core/effect.ts';
import { parseProfile } from './profile/profile-file.ts';
import { proposedProfile, type ProposedProfile } from './proposed-profile.ts';
import { covers, usageOf, type ActionUse } from './usage.ts';

const OPERATIONS: Record<string, Effect> = { read_text_file: 'read', list_directory: 'read', write_file: 'write' };
const catalogue = {
  operations: (target: string) => (target === 'files' ? Object.keys(OPERATIONS) : undefined),
  effectOf: (_target: string, operation: string) => OPERATIONS[operation],
  trustDomains: ['remit.local'],
};
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const use = (operation: string, resources: string[], change: Partial<ActionUse> = {}): ActionUse => ({
  task: 'task_1',
  at: NOW,
  target: 'files',
  operation,
  effect: OPERATIONS[operation]!,
  sensitivity: 'internal',
  resources,
  depth: 0,
  ...change,
});
const grant = (change: Partial<Grant>): Grant => ({ type: 'remit_grant', target: 'files', ...change });
const fileOf = (proposed: ProposedProfile) => parseProfile('proposed.yaml', stringify(proposed), { catalogue, sha256 });

describe('granted against used', () => {
  const wide = sampleTask({
    grant: [grant({ effects: ['read', 'write'], resources: ['file:notes/**', 'file:out/**', 'file:private/**'] })],
  });
  const uses = [
    use('read_text_file', ['file:notes/a.md'], { at: NOW + 1 }),
    use('read_text_file', ['file:notes/a.md'], { at: NOW + 90_000 }),
    use('read_text_file', ['file:notes/b.md'], { sensitivity: 'confidential' }),
    use('write_file', ['file:out/x.md'], { depth: 1 }),
  ];

  test('each operation of each grant, and the patterns that nobody needed', () => {
    expect(usageOf([wide], uses, catalogue)).toEqual([
      {
        grant: wide.grant[0],
        operations: [
          { operation: 'list_directory', times: 0, lastAt: null, resources: [] },
          {
            operation: 'read_text_file',
            times: 3,
            lastAt: NOW + 90_000,
            resources: [
              { name: 'file:notes/a.md', times: 2 },
              { name: 'file:notes/b.md', times: 1 },
            ],
          },
          { operation: 'write_file', times: 1, lastAt: NOW, resources: [{ name: 'file:out/x.md', times: 1 }] },
        ],
        unusedResources: ['file:private/**'],
      },
    ]);
  });

  test('the profile that would have done, as a file that can be used', () => {
    const proposed = proposedProfile([wide], uses)!;
    expect(proposed).toEqual({
      name: 'summariser-used',
      version: 1,
      description: 'what 1 task did, and no more; review it before use',
      agents: [SUMMARISER],
      grant: [
        grant({ operations: ['read_text_file'], resources: ['file:notes/a.md', 'file:notes/b.md'] }),
        grant({ operations: ['write_file'], resources: ['file:out/x.md'] }),
      ],
      sensitivity: 'confidential',
      minutes: 3,
      budget: { calls: 4, operations: { 'files:read_text_file': 3, 'files:write_file': 1 } },
      max_hops: 1,
    });
    expect(fileOf(proposed)).toMatchObject({ name: 'summariser-used', lifetimeSeconds: 180, maxHops: 1 });
  });

  test('nothing is proposed for nothing', () => {
    expect(proposedProfile([wide], [])).toBeNull();
  });

  test('a name that would be read as a pattern, and many names, become the pattern that they came under', () => {
    const odd = proposedProfile([wide], [use('read_text_file', ['file:notes/*'])])!;
    expect(odd.grant[0]!.resources).toEqual(['file:notes/**']);
    const many = Array.from({ length: 21 }, (_none, n) => use('read_text_file', [`file:notes/${n}.md`]));
    expect(proposedProfile([wide], many)!.grant[0]!.resources).toEqual(['file:notes/**']);
  });

  test('INVARIANT 3: what is proposed is within what was granted, and carries all that was done', () => {
    const name = fc.constantFrom('file:notes/a', 'file:notes/b/c', 'file:out/*', 'file:out/x', 'file:private/{x}');
    const schema = fc.constantFrom({ maxProperties: 2 }, { maxProperties: 3 });
    const someGrant = fc
      .record(
        {
          operations: fc.subarray(Object.keys(OPERATIONS), { minLength: 1 }),
          effects: fc.subarray<Effect>(['read', 'write'], { minLength: 1 }),
          resources: fc.subarray(['file:notes/**', 'file:notes/*', 'file:out/**', 'file:**'], { minLength: 1 }),
          arguments: schema,
        },
        { requiredKeys: ['operations'] },
      )
      .map(grant);
    const someUse = fc
      .tuple(fc.constantFrom(...Object.keys(OPERATIONS)), fc.array(name, { maxLength: 2 }))
      .map(([operation, resources]) => use(operation, resources));
    let proposals = 0;
    fc.assert(
      fc.property(
        fc.array(someGrant, { minLength: 1, maxLength: 4 }),
        fc.array(someUse, { maxLength: 8 }),
        (grants, all) => {
          const task = sampleTask({ grant: grants });
          const done = all.filter((each) => grants.some((one) => covers(one, each)));
          const proposed = proposedProfile([task], done);
          expect(proposed === null).toBe(done.length === 0);
          if (proposed === null) return;
          proposals += 1;
          for (const one of proposed.grant) expect(beyondGrants(one, grants, catalogue.effectOf)).toBeNull();
          for (const each of done) expect(proposed.grant.some((one) => covers(one, each))).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
    expect(proposals).toBeGreaterThan(50);
  });
});

describe('a report', () => {
  let plane: ControlPlane;
  let alice: Session;
  let ids = 0;
  beforeEach(async () => {
    plane = await openControlPlane();
    alice = await personSession(plane, 'alice');
  });
  afterEach(() => plane.close());

  async function act(id: string, path: string, outcome: 'permit' | 'deny' = 'permit'): Promise<DecisionRecord> {
    const input = sampleInput({
      now: plane.clock.now(),
      action: sampleAction({ resources: [`file:${path}`] }),
      chain: plane.store.chain(id),
    });
    const decision = { ...deny({ code: 'policy_permits', message: '' }, 'sha256:0'), outcome };
    const about = { id: `rec_use_${++ids}`, request: 'req_1', input, decision, approval: null, token: null };
    const record = decisionRecord(about, sha256);
    await plane.store.append([record]);
    return record;
  }
  const report = async (path: string, session = alice) => {
    const response = await session.call('GET', path);
    return { status: response.status, body: (await response.json()) as { tasks: string[]; grants: unknown[] } };
  };

  test('is made of the records of the task and of what was handed on, without what was refused or given back', async () => {
    const { id } = await requestTask(alice, { max_hops: 1 });
    const other = await requestTask(alice);
    const planner = await agentSession(plane);
    const hop = { agent: OTHER_AGENT, purpose: 'read', grant: [{ target: 'files', effects: ['read'] }] };
    const child = (await (await planner.call('POST', `/v1/tasks/${id}/hops`, hop)).json()) as { id: string };
    await act(id, 'notes/a.md');
    await act(child.id, 'notes/b.md');
    await act(other.id, 'notes/c.md');
    await act(id, 'notes/d.md', 'deny');
    const undone = await act(id, 'notes/e.md');
    const outcome: OutcomeRecord = {
      version: 1,
      id: 'rec_outcome',
      time: plane.clock.now(),
      kind: 'outcome',
      decision: undone.id,
      request: 'req_1',
      task: id,
      status: 'failed',
      given_back: true,
      duration_ms: 1,
    };
    await plane.store.append([outcome]);

    const { status, body } = await report(`/v1/tasks/${id}/usage`);
    expect([status, body]).toMatchObject([
      200,
      {
        tasks: [id],
        complete: true,
        proposed: {
          grant: [{ operations: ['read_text_file'], resources: ['file:notes/a.md', 'file:notes/b.md'] }],
          max_hops: 1,
        },
      },
    ]);
    const of = `agent=${encodeURIComponent(SUMMARISER)}&since=2026-01-01T00:00:00Z`;
    const carol = await personSession(plane, 'carol');
    expect((await report(`/v1/usage?${of}`, carol)).body.tasks.toSorted()).toEqual([id, other.id].toSorted());
    expect((await report(`/v1/usage?${of}`)).status).toBe(403);
    expect((await report(`/v1/tasks/${id}/usage`, await personSession(plane, 'bob'))).status).toBe(404);
  });

  test.each(['agent=', 'agent=x', 'agent=x&since=yesterday'])('refuses the query `%s`', async (query) => {
    expect((await report(`/v1/usage?${query}`)).status).toBe(400);
  });
});
