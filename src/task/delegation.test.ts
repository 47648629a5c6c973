import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  agentSession,
  openControlPlane,
  OTHER_AGENT,
  personSession,
  requestTask,
  SUMMARISER,
  taskBody,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { NOW, sampleAction, sampleInput, sampleTask, sha256 } from '../../test/fixtures/task.ts';
import { naiveDecision } from '../../test/harness/naive-decision.ts';
import type { Action } from '../core/action.ts';
import type { TaskView } from '../core/decision.ts';
import type { Effect } from '../core/effect.ts';
import type { Grant } from '../core/grant.ts';
import type { Task } from '../core/task.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { createPdp } from '../pdp/pdp.ts';

/**
 * INVARIANT 3 and 6 over chains as they come: whatever a child asks for, it may do no more than each task above it; and
 * what an end took away never comes back. Policy permits everything here, so that nothing but the chain narrows.
 */

const OPEN = { id: 'open', effect: 'permit' as const, text: '@id("open") permit (principal, action, resource);' };
const POLICIES = { 'open.cedar': OPEN.text };
const checkArguments = createCheckArguments();
const pdp = createPdp(POLICIES, { sha256, checkArguments });

/** All that is tried under a task. */
const ACTIONS: Action[] = [
  ['files', 'read_text_file', 'read'] as const,
  ['files', 'write_file', 'write'] as const,
  ['memory', 'read_graph', 'read'] as const,
].flatMap(([target, operation, effect]) =>
  ['file:notes/a', 'file:notes/deep/b', 'file:private'].flatMap((name) =>
    (['public', 'confidential'] as const).map((sensitivity) =>
      sampleAction({ target, operation, effect, resources: [name], sensitivity, arguments: { path: name } }),
    ),
  ),
);

const decided = (action: Action, chain: readonly TaskView[], now: number) => {
  const input = sampleInput({ action, chain, now, token: null });
  const { agent } = chain[0]!.task;
  return { ...input, agent: { ...agent, attestation: 'jwt-svid' as const } };
};
const isPermitted = (action: Action, chain: readonly TaskView[], now: number): boolean =>
  chain.length > 0 && pdp.decide(decided(action, chain, now)).outcome === 'permit';

const grant: fc.Arbitrary<Grant> = fc
  .record(
    {
      type: fc.constant('remit_grant' as const),
      target: fc.constantFrom('files', 'files', 'memory'),
      operations: fc.subarray(['read_text_file', 'write_file'], { minLength: 1 }),
      effects: fc.subarray<Effect>(['read', 'write'], { minLength: 1 }),
      resources: fc.subarray(['file:notes/*', 'file:notes/**', 'file:private', '**'], { minLength: 1 }),
    },
    { requiredKeys: ['type', 'target'] },
  )
  .filter(({ operations, effects }) => operations !== undefined || effects !== undefined)
  // An operation is one of its target.
  .map((each) => (each.target === 'memory' ? { type: each.type, target: each.target, effects: ['read'] } : each));
const grants = fc.array(grant, { minLength: 1, maxLength: 3 });

const SENSITIVITY = fc.constantFrom<Task['sensitivity']>(
  'restricted',
  'restricted',
  'confidential',
  'internal',
  'public',
);

describe('delegation never widens', () => {
  const level = fc.record({
    grant: grants,
    sensitivity: SENSITIVITY,
    used: fc.constantFrom(0, 0, 0, 9, 10),
    state: fc.constantFrom<Task['state']>('active', 'active', 'active', 'active', 'completed'),
    expiresAt: fc.constantFrom(NOW + 1, NOW + 1, NOW + 1, NOW),
  });
  const chains = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) =>
    levels.map(({ used, expiresAt, ...more }, place): TaskView => {
      const parent = place + 1 < levels.length ? `task_${place + 1}` : null;
      const window = { notBefore: NOW - 1, expiresAt };
      return { task: sampleTask({ id: `task_${place}`, parent, window, ...more }), used: { calls: used } };
    }),
  );

  test('an action is permitted when each level of the chain permits it, as the naive model has it', () => {
    let permitted = 0;
    let narrowed = 0;
    fc.assert(
      fc.property(chains, fc.constantFrom(...ACTIONS), (chain, action) => {
        const all = isPermitted(action, chain, NOW);
        const alone = chain.map((each) => isPermitted(action, [each], NOW));
        expect(all).toBe(alone.every(Boolean));
        for (const place of chain.keys()) {
          // Whatever stands above, the task may do no more for being handed on.
          if (all) expect(isPermitted(action, chain.slice(place), NOW)).toBe(true);
        }
        const model = naiveDecision(decided(action, chain, NOW), [OPEN], checkArguments);
        expect(model.outcome === 'permit').toBe(all);
        if (all) permitted += 1;
        else if (alone[0] === true) narrowed += 1;
      }),
      { numRuns: 1_000 },
    );
    expect(permitted).toBeGreaterThan(50);
    expect(narrowed).toBeGreaterThan(50);
  });
});

/** What may be done under the task now, as text. */
function permits(plane: ControlPlane, id: string): Set<string> {
  const chain = plane.store.chain(id);
  return new Set(
    ACTIONS.flatMap((action, place) => (isPermitted(action, chain, plane.clock.now()) ? [String(place)] : [])),
  );
}

describe('through the API', () => {
  let plane: ControlPlane;
  let alice: Session;
  const agents = new Map<string, Session>();
  beforeAll(async () => {
    plane = await openControlPlane({ policies: POLICIES });
    alice = await personSession(plane, 'alice');
    for (const id of [SUMMARISER, OTHER_AGENT]) agents.set(id, await agentSession(plane, id));
  });
  afterAll(() => plane.close());

  /** A hop that asks for whatever it likes; `null` when it is refused. */
  async function hop(parent: string, asked: Record<string, unknown>): Promise<string | null> {
    const { agent } = plane.store.task(parent)!;
    const to = agent.id === SUMMARISER ? OTHER_AGENT : SUMMARISER;
    const body = { agent: to, purpose: 'a part of it', ...asked };
    const response = await agents.get(agent.id)!.call('POST', `/v1/tasks/${parent}/hops`, body);
    return response.status === 200 ? ((await response.json()) as { id: string }).id : null;
  }

  const hopAsked = fc.record(
    {
      grant: grants,
      sensitivity: SENSITIVITY,
      lifetime_seconds: fc.constantFrom(60, 300, 3600),
      calls: fc.constantFrom(1, 50, 500),
      max_hops: fc.constantFrom(0, 1, 3, 16),
    },
    { requiredKeys: ['grant'] },
  );
  const root = () =>
    requestTask(alice, { ...taskBody(), grant: [{ target: 'files', effects: ['read', 'write'] }], max_hops: 4 });

  test('a child that was made may do nothing that the tasks above it may not, and has less of everything', async () => {
    let made = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(hopAsked, { minLength: 1, maxLength: 5 }), async (hops) => {
        let parent = (await root()).id;
        for (const asked of hops) {
          const child = await hop(parent, asked);
          if (child === null) {
            refused += 1;
            continue;
          }
          made += 1;
          const [above, below] = [plane.store.task(parent)!, plane.store.task(child)!];
          expect([...permits(plane, child)].filter((each) => !permits(plane, parent).has(each))).toEqual([]);
          expect(below.maxHops).toBeLessThan(above.maxHops);
          expect(below.window.expiresAt).toBeLessThanOrEqual(above.window.expiresAt);
          expect(below.budget.calls).toBeLessThanOrEqual(above.budget.calls);
          parent = child;
        }
      }),
      { numRuns: 25 },
    );
    expect(made).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(10);
  });

  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ end: fc.nat(11), by: fc.constantFrom('complete', 'revoke') }) },
    { weight: 1, arbitrary: fc.record({ wait: fc.constantFrom(1_000, 120_000) }) },
  );

  test('what an end took away never comes back, below it either, and nothing else goes with it', async () => {
    let ends = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(11), { minLength: 4, maxLength: 10 }),
        fc.array(step, { minLength: 2, maxLength: 6 }),
        async (places, steps) => {
          const ids = [(await root()).id];
          const above = new Map<string, string>();
          for (const place of places) {
            const parent = ids[place % ids.length]!;
            const grant = [{ target: 'files', effects: ['read', 'write'] }];
            const child = await hop(parent, { grant, calls: 5, lifetime_seconds: place % 2 === 0 ? 300 : 60 });
            if (child === null) continue;
            above.set(child, parent);
            ids.push(child);
          }
          const isBelow = (id: string | undefined, top: string): boolean =>
            id !== undefined && (id === top || isBelow(above.get(id), top));
          let before = new Map(ids.map((id) => [id, permits(plane, id)]));
          for (const each of steps) {
            const ended = 'end' in each ? ids[each.end % ids.length]! : null;
            if ('wait' in each) {
              plane.clock.advance(each.wait);
              await plane.lifecycle.expireOverdue();
            } else {
              const body = each.by === 'revoke' ? { reason: 'enough' } : undefined;
              const { status } = await alice.call('POST', `/v1/tasks/${ended}/${each.by}`, body);
              if (status === 200) ends += 1;
              else expect(status).toBe(409);
            }
            const after = new Map(ids.map((id) => [id, permits(plane, id)]));
            for (const id of ids) {
              expect([...after.get(id)!].filter((action) => !before.get(id)!.has(action))).toEqual([]);
              if (ended === null) continue;
              if (isBelow(id, ended)) expect(after.get(id)!.size).toBe(0);
              else expect(after.get(id)).toEqual(before.get(id));
            }
            before = after;
          }
          // The proofs and tokens of the next run are of its own time.
          alice = await personSession(plane, 'alice');
          for (const id of agents.keys()) agents.set(id, await agentSession(plane, id));
        },
      ),
      { numRuns: 12 },
    );
    expect(ends).toBeGreaterThan(10);
  });
});
