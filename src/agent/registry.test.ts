import { expect, test } from 'vitest';
import { ownerName, parseRegistrationId, standingOf, type RegisteredAgent } from '../core/agent.ts';
import type { Agent } from '../core/party.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import { agentFixture } from '../store/conformance/fixture.ts';
import { createAgentRegistry, type RegistryParts } from './registry.ts';

const id = 'spiffe://example.org/agent/writer' as SpiffeId;
const agent: Agent = { id, trustDomain: 'example.org', attestation: 'jwt-svid' };

/** A registry over a list that the test changes, and a clock that it moves. */
function registryOver(registered: RegisteredAgent[], options: Partial<RegistryParts> = {}) {
  const state = { registered, changes: 1, now: 1_000, uses: [] as unknown[], looks: 0 };
  const registry = createAgentRegistry({
    store: {
      agent: (wanted) => state.registered.find((each) => each.id === wanted),
      agents: () => ((state.looks += 1), state.registered),
      agentChanges: () => state.changes,
      noteAgentUse: async (uses) => void state.uses.push(...uses),
    },
    unregistered: 'allow',
    clock: () => state.now,
    ...options,
  });
  return { state, registry };
}

test('one agent is described once, until something changes', () => {
  const { state, registry } = registryOver([agentFixture({ id, groups: ['writers'] })]);
  const grouped = { ...agent, groups: ['staff', 'writers'] };
  const described = registry.describe(grouped);
  expect(described).toEqual({
    ...agent,
    groups: ['staff', 'writers'],
    state: 'active',
    owner: { issuer: 'https://people.example', subject: 'alice' },
  });
  expect(registry.describe(grouped)).toBe(described);
  state.registered = [agentFixture({ id, state: 'suspended' })];
  state.changes += 1;
  expect(registry.describe(grouped)).toMatchObject({ state: 'suspended' });
  expect(state.looks).toBe(2);
});

test('what nobody has registered stays as it is, or is marked where it has to be registered', () => {
  expect(registryOver([]).registry.describe(agent)).toEqual(agent);
  const { registry } = registryOver([], { unregistered: 'deny' });
  expect(registry.describe(agent)).toEqual({ ...agent, state: 'unregistered' });
  expect(registry.objectionTo(id)?.message).toBe(`agent \`${id}\` is not registered`);
});

test('uses are stored once each; what could not be stored is stored the next time, and no later one is lost', async () => {
  let failing = true;
  const stored: unknown[] = [];
  const { state, registry } = registryOver([agentFixture({ id })]);
  const broken = createAgentRegistry({
    store: {
      agent: () => agentFixture({ id }),
      agents: () => [],
      agentChanges: () => 1,
      noteAgentUse: async (uses) => {
        if (failing) throw new Error('full disk');
        stored.push(...uses);
      },
    },
    unregistered: 'allow',
    clock: () => state.now,
  });
  broken.describe(agent);
  const failed = broken.storeUses();
  state.now += 5;
  broken.describe(agent);
  await expect(failed).rejects.toThrow('full disk');
  failing = false;
  await broken.storeUses();
  await broken.storeUses();
  expect(stored).toEqual([{ id, at: 1_005 }]);
  registry.describe(agent);
  expect(registry.lastUseOf(agentFixture({ id, lastUsedAt: 7 }))).toBe(1_005);
  expect(registry.lastUseOf(agentFixture({ id, lastUsedAt: 2_000 }))).toBe(2_000);
  expect(registry.lastUseOf(agentFixture({ id: 'spiffe://example.org/x' }))).toBeUndefined();
});

test('who is stopped is not used', async () => {
  const { state, registry } = registryOver([agentFixture({ id, state: 'retired' })]);
  registry.describe(agent);
  await registry.storeUses();
  expect(state.uses).toEqual([]);
});

test.each([
  [null, undefined, true],
  [null, 'refund', true],
  [['refund'], 'refund', true],
  [['refund'], 'payment', false],
  [['refund'], undefined, false],
  [[], 'refund', false],
  [[], undefined, false],
])('registered for the profiles %j, a task of %s: %s', (profiles, profile, taken) => {
  const { registry } = registryOver([agentFixture({ id, profiles })]);
  expect(registry.objectionTo(id, profile) === null).toBe(taken);
});

test('the narrowest registration says who answers; the worst says whether it may act', () => {
  const own = agentFixture({ id, purpose: 'own' });
  const fleet = agentFixture({ id: 'spiffe://example.org/agent/*', purpose: 'fleet' });
  const all = agentFixture({ id: 'spiffe://example.org/**', purpose: 'all' });
  expect(standingOf([all, fleet, own])).toMatchObject({ state: 'active', registration: own });
  expect(standingOf([all, fleet])).toMatchObject({ registration: fleet });
  expect(standingOf([{ ...all, state: 'suspended' }, own])).toMatchObject({
    state: 'suspended',
    by: { purpose: 'all' },
    registration: own,
  });
  expect(
    standingOf([
      { ...all, state: 'suspended' },
      { ...own, state: 'retired' },
    ]),
  ).toMatchObject({ state: 'retired' });
  expect(standingOf([])).toEqual({ state: null, by: null, registration: null });
});

test('an owner is named by one text, and no group by that of a person', () => {
  expect(ownerName({ issuer: 'https://people.example', subject: 'alice' })).toBe('https://people.example|alice');
  expect(ownerName({ group: 'https://people.example|alice' })).toBe('group:https://people.example|alice');
});

test.each([
  ['spiffe://example.org/agent/*', { trustDomain: 'example.org' }],
  ['spiffe://example.org/**', { trustDomain: 'example.org' }],
  ['spiffe://example.org/a*b/c', { trustDomain: 'example.org' }],
])('%s is the pattern of a fleet', (pattern, expected) => {
  expect(parseRegistrationId(pattern)).toMatchObject(expected);
});

test.each([
  'spiffe://ex*.org/a',
  'spiffe://**',
  'spiffe:///a',
  'https://example.org/*',
  'spiffe://example.org/*/',
  '*',
])('%s is none', (pattern) => {
  expect(parseRegistrationId(pattern)).toHaveProperty('problem');
});
