import { expect, test } from 'vitest';
import { delegatorId } from '../../core/party.ts';
import type { SpiffeId } from '../../core/spiffe-id.ts';
import type { AgentStore } from '../ports.ts';
import { agentFixture, alice, approvalFixture, bob, MINUTE, NOW, recordFixture, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

const WRITER = 'spiffe://example.org/agent/writer' as SpiffeId;
const READER = 'spiffe://example.org/agent/reader' as SpiffeId;
const FLEET = 'spiffe://example.org/agent/*';
const agentOf = (id: SpiffeId) => ({ id, trustDomain: 'example.org' });

export function agentConformance(open: OpenStore): void {
  const subject = useStore(open);
  const register = (change: Parameters<typeof agentFixture>[0] = {}, note = 'register') =>
    subject.store.registerAgent(agentFixture(change), [recordFixture(`rec_${note}_${change.id ?? ''}`, note)]);
  const move = (to: Parameters<AgentStore['moveAgent']>[0]['to'], note: string, id: string = WRITER) =>
    subject.store.moveAgent({ id, to, at: NOW + 1, reason: 'an incident' }, (agent, ended) => [
      recordFixture(`rec_${note}`, `${note} ${agent.state} ${ended.map(({ id: task }) => task).join(',')}`),
    ]);
  const states = () => subject.store.tasks({ limit: 100 }).map(({ id, state }) => `${id} ${state}`);

  test('an agent is registered once, with its record, and stays', async () => {
    expect(await register()).toBe('registered');
    expect(await register({ purpose: 'another' }, 'again')).toBe('exists');
    await subject.reopen();
    expect(subject.store.agents()).toEqual([agentFixture()]);
    expect(subject.store.agent(WRITER)).toEqual(agentFixture());
    expect(subject.store.agent(WRITER.toUpperCase())).toBeUndefined();
    expect(subject.notes()).toEqual(['register']);
  });

  test('of twenty who register one agent, one has registered it', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => register({}, `n${n}`)));
    expect(outcomes.filter((outcome) => outcome === 'registered')).toHaveLength(1);
    expect(subject.notes()).toHaveLength(1);
  });

  test('of twenty who change what they saw, one has changed it', async () => {
    await register();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        subject.store.changeAgent({ id: WRITER, revision: 1, purpose: `p${n}` }, [recordFixture(`rec_${n}`, 'change')]),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'changed_meanwhile')).toHaveLength(19);
    expect(subject.store.agent(WRITER)).toMatchObject({ revision: 2, purpose: 'p0', groups: ['writers'] });
    expect(subject.notes()).toEqual(['register', 'change']);
  });

  test('what is unknown or retired is not changed', async () => {
    const change = { id: WRITER, revision: 1, purpose: 'x' };
    expect(await subject.store.changeAgent(change, [])).toBe('unknown');
    await register();
    await move('retired', 'retire');
    expect(await subject.store.changeAgent({ ...change, revision: 2 }, [])).toBe('retired');
  });

  test('a number tells that something has changed', async () => {
    const seen = [subject.store.agentChanges()];
    await register();
    seen.push(subject.store.agentChanges());
    await subject.store.changeAgent({ id: WRITER, revision: 1, purpose: 'x' }, []);
    seen.push(subject.store.agentChanges());
    await move('suspended', 'suspend');
    seen.push(subject.store.agentChanges());
    expect(new Set(seen).size).toBe(4);
    await subject.store.noteAgentUse([{ id: WRITER, at: NOW }]);
    expect(subject.store.agentChanges()).toBe(seen.at(-1));
  });

  test('a suspension ends the live tasks of the agent and all below them, and none above or beside', async () => {
    await register();
    await subject.store.createTask(taskFixture({ id: 'above', agent: agentOf(READER) }), []);
    await subject.store.createTask(taskFixture({ id: 'own', parent: 'above' }), []);
    await subject.store.createTask(taskFixture({ id: 'below', parent: 'own', agent: agentOf(READER) }), []);
    await subject.store.createTask(taskFixture({ id: 'beside', parent: 'above', agent: agentOf(READER) }), []);
    await subject.store.requestApproval(approvalFixture({ task: 'below' }), () => []);
    expect(await move('suspended', 'suspend')).toMatchObject({
      outcome: 'moved',
      agent: { state: 'suspended', reason: 'an incident', revision: 2 },
      tasks: [
        { id: 'own', state: 'revoked', endReason: 'its agent is suspended: an incident', endedAt: NOW + 1 },
        { id: 'below', state: 'revoked' },
      ],
    });
    expect(states().toSorted()).toEqual(['above active', 'below revoked', 'beside active', 'own revoked']);
    expect(subject.store.approval('apr_1')?.state).toBe('closed');
    expect(subject.notes()).toEqual(['register', 'suspend suspended own,below']);
    const admission = subject.store.admit({ chain: ['below', 'own', 'above'], counted: true, approval: null }, []);
    expect(await admission).toEqual({ admitted: false, because: 'task_ended' });
    await subject.reopen();
    expect(subject.store.agent(WRITER)?.state).toBe('suspended');
    expect(subject.store.chain('own')[0]?.task.state).toBe('revoked');
  });

  test('a chain in which the agent stands twice ends once', async () => {
    await register();
    for (const [id, parent] of [
      ['first', null],
      ['second', 'first'],
    ] as const) {
      await subject.store.createTask(taskFixture({ id, parent }), []);
    }
    expect(await move('retired', 'retire')).toMatchObject({ tasks: [{ id: 'first' }, { id: 'second' }] });
  });

  test.each(['suspended', 'retired'] as const)('no task is made for an agent that is %s', async (to) => {
    await register();
    await subject.store.createTask(taskFixture({ id: 'other', agent: agentOf(READER) }), []);
    await move(to, 'move');
    const root = subject.store.createTask(taskFixture(), [recordFixture('rec_root', 'root')]);
    expect(await root).toBe('agent_stopped');
    const hop = subject.store.createTask(taskFixture({ id: 'hop', parent: 'other' }), [
      recordFixture('rec_hop', 'hop'),
    ]);
    expect(await hop).toBe('agent_stopped');
    expect(states()).toEqual(['other active']);
    expect(subject.notes()).toEqual(['register', `move ${to} `]);
  });

  test('a fleet is stopped as a whole, with who of it has a registration of its own', async () => {
    await register();
    await register({ id: FLEET }, 'fleet');
    await subject.store.createTask(taskFixture({ id: 'one' }), []);
    await subject.store.createTask(taskFixture({ id: 'two', agent: agentOf(READER) }), []);
    const deeper = 'spiffe://example.org/agent/sub/reader' as SpiffeId;
    await subject.store.createTask(taskFixture({ id: 'three', agent: agentOf(deeper) }), []);
    expect(await move('suspended', 'suspend', FLEET)).toMatchObject({ outcome: 'moved' });
    expect(states().toSorted()).toEqual(['one revoked', 'three active', 'two revoked']);
    expect(await subject.store.createTask(taskFixture({ id: 'four' }), [])).toBe('agent_stopped');
    await move('active', 'resume', FLEET);
    expect(await subject.store.createTask(taskFixture({ id: 'four' }), [])).toBe('created');
  });

  test('resuming ends nothing; a retired agent never comes back', async () => {
    await register();
    expect(await move('active', 'resume')).toEqual({ outcome: 'not_from', state: 'active' });
    await move('suspended', 'suspend');
    expect(await move('suspended', 'again')).toEqual({ outcome: 'not_from', state: 'suspended' });
    expect(await move('active', 'resume')).toMatchObject({ outcome: 'moved', tasks: [] });
    await move('retired', 'retire');
    for (const to of ['active', 'suspended', 'retired'] as const) {
      expect(await move(to, `after_${to}`)).toEqual({ outcome: 'not_from', state: 'retired' });
    }
    expect(await move('suspended', 'nobody', READER)).toEqual({ outcome: 'unknown' });
    expect(subject.notes()).toHaveLength(4);
  });

  test('a suspension and twenty tasks at once: no live task is left', async () => {
    await register();
    const made = Array.from({ length: 20 }, (_, n) => {
      const task = subject.store.createTask(taskFixture({ id: `task_${n}` }), []);
      return n === 10 ? Promise.all([task, move('suspended', 'suspend')]) : task;
    });
    await Promise.all(made);
    expect(subject.store.tasks({ state: 'active', limit: 100 })).toEqual([]);
    expect(subject.store.tasks({ limit: 100 })).toHaveLength(11);
  });

  test('with its owner an agent is suspended, and no agent of anybody else', async () => {
    await register();
    await register({ id: FLEET, owner: { issuer: bob.issuer, subject: bob.subject } }, 'fleet');
    await register({ id: 'spiffe://example.org/team/a', owner: { group: 'staff' } }, 'team');
    await register({ id: 'spiffe://example.org/old', state: 'retired' }, 'old');
    await subject.store.createTask(taskFixture({ delegator: bob }), []);
    const at = NOW + MINUTE;
    const gone = {
      kind: 'delegator',
      id: delegatorId(alice),
      since: at,
      by: 'carol',
      reason: 'alice has left',
    } as const;
    const suspend = () =>
      subject.store.suspend(gone, (ended, agents) =>
        agents.map(({ id }) => recordFixture(`rec_${id}`, `suspend ${id} ${ended.length}`)),
      );
    const reason = 'their owner is offboarded: alice has left';
    expect(await suspend()).toMatchObject({
      outcome: 'suspended',
      agents: [{ id: WRITER, state: 'suspended', reason }],
      tasks: [{ id: 'task_1', state: 'revoked', endReason: `its agent is suspended: ${reason}` }],
    });
    expect(await suspend()).toEqual({ outcome: 'already_suspended' });
    expect(subject.store.agents().map(({ id, state }) => [id, state])).toEqual([
      [FLEET, 'active'],
      [WRITER, 'suspended'],
      ['spiffe://example.org/old', 'retired'],
      ['spiffe://example.org/team/a', 'active'],
    ]);
    expect(subject.notes().at(-1)).toBe(`suspend ${WRITER} 1`);
  });

  test('the last use never goes back, and is no change', async () => {
    await register();
    await subject.store.noteAgentUse([
      { id: WRITER, at: NOW + 5 },
      { id: READER, at: NOW },
    ]);
    await subject.store.noteAgentUse([{ id: WRITER, at: NOW + 3 }]);
    expect(subject.store.agent(WRITER)).toEqual(agentFixture({ lastUsedAt: NOW + 5 }));
    await subject.reopen();
    expect(subject.store.agents()).toEqual([agentFixture({ lastUsedAt: NOW + 5 })]);
    expect(await move('suspended', 'suspend')).toMatchObject({ agent: { lastUsedAt: NOW + 5 } });
  });
}
