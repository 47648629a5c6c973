import { drawsOf, leftFor } from '../core/budget.ts';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../test/fixtures/task.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { createPdp } from '../pdp/pdp.ts';
import { parseCaseFile } from './case-form.ts';
import { caseInput } from './case-input.ts';

const HEAD = `
agents: { clerk: spiffe://remit.local/agent/clerk, planner: spiffe://remit.local/agent/planner }
people:
  alice: { groups: [staff], email: alice@example.test }
  bob: { subject: b-17 }
`;
const DEFAULTS = `
defaults:
  agent: clerk
  delegator: alice
  task: { purpose: tidy up, origin: organisation }
  targets:
    files: { sensitivity: confidential, operations: { read: { effect: read }, list: { effect: read, sensitivity: public } } }
`;

/** The input of the one case whose fields are `fields`. */
function inputOf(fields: string, defaults = DEFAULTS) {
  const text = `${HEAD}${defaults}\ncases:\n  - { name: a case, expect: permit, ${fields} }\n`;
  const file = parseCaseFile('t.yaml', text);
  const { name: _name, expect: _expect, ...situation } = file.cases[0]!;
  return caseInput(file, 'case `a case`', situation);
}

describe('what a case leaves out', () => {
  const input = inputOf("action: 'files:read'");

  test('comes from the defaults of the file', () => {
    expect(input.agent).toEqual({
      id: 'spiffe://remit.local/agent/clerk',
      trustDomain: 'remit.local',
      attestation: 'jwt-svid',
    });
    expect(input.delegator).toMatchObject({ subject: 'alice', groups: ['staff'], email: 'alice@example.test' });
    expect(input.chain[0]?.task).toMatchObject({ purpose: 'tidy up', origin: { trust: 'organisation' } });
    expect(input.action).toMatchObject({ effect: 'read', sensitivity: 'confidential', definition: 'pinned' });
  });

  test('stands in nobody’s way otherwise', () => {
    const everything = 'permit (principal, action, resource);';
    const pdp = createPdp({ 'a.cedar': everything }, { sha256, checkArguments: createCheckArguments() });
    expect(pdp.decide(input).outcome).toBe('permit');
    expect(input.now).toBe(Date.parse('2026-03-02T12:00:00Z'));
    expect(new Date(input.now).getUTCDay()).toBe(1);
  });

  test('is as Remit states it for its own operations', () => {
    expect(inputOf("action: 'remit:token.issue'").action).toMatchObject({ effect: 'mint', definition: 'builtin' });
  });
});

describe('what a case says', () => {
  test('can be when a person signed in', () => {
    const input = inputOf(
      "action: 'files:read', delegator: { person: alice, acr: phr, amr: [hwk], auth_time: '2026-03-02T11:55:00Z' }",
    );
    expect(input.delegator).toMatchObject({
      acr: 'phr',
      amr: ['hwk'],
      authTime: Date.parse('2026-03-02T11:55:00Z') / 1000,
    });
    const recent = `permit (principal, action, resource);
      forbid (principal is Person, action, resource)
      unless { principal has auth_time && context.now.time.durationSince(principal.auth_time) <= duration("5m") };`;
    const pdp = createPdp({ 'a.cedar': recent }, { sha256, checkArguments: createCheckArguments() });
    expect(pdp.decide(input).outcome).toBe('permit');
    expect(pdp.decide({ ...input, now: input.now + 1000 }).outcome).toBe('deny');
    expect(pdp.decide(inputOf("action: 'files:read'")).outcome).toBe('deny');
  });

  test('replaces single fields of a default', () => {
    const input = inputOf(
      'delegator: { acr: phr }, task: { purpose: other }, action: { target: files, operation: list, arguments: { a: 1 } }',
    );
    expect(input.delegator).toMatchObject({ subject: 'alice', groups: ['staff'], acr: 'phr' });
    expect(input.chain[0]?.task).toMatchObject({ purpose: 'other', origin: { trust: 'organisation' } });
    expect(input.action).toMatchObject({ sensitivity: 'public', arguments: { a: 1 } });
  });

  test('another person takes nothing from the default one', () => {
    expect(inputOf("delegator: bob, action: 'files:read'").delegator).toEqual({
      issuer: 'https://idp.example.test',
      subject: 'b-17',
      groups: [],
    });
  });

  test('null is nobody and nothing', () => {
    const input = inputOf("agent: null, delegator: null, task: null, token: null, action: 'remit:log.read'");
    expect(input).toMatchObject({ agent: null, delegator: null, chain: [], token: null });
  });

  test('a person without an agent may ask about the task of one', () => {
    const input = inputOf("agent: null, delegator: bob, task: { delegator: alice }, action: 'remit:task.read'");
    expect(input.agent).toBeNull();
    expect(input.chain[0]?.task.agent.id).toBe('spiffe://remit.local/agent/clerk');
    expect(input.chain[0]?.task.delegator.subject).toBe('alice');
  });

  test('a chain is the tasks above, the nearest first, with the delegator and origin of the acting one', () => {
    const input = inputOf("chain: [{ agent: planner }, { id: root, used_calls: 3 }], action: 'files:read'");
    expect(input.chain.map(({ task }) => [task.id, task.parent, task.agent.id.split('/').at(-1)])).toEqual([
      ['task_case', 'task_case_1', 'clerk'],
      ['task_case_1', 'root', 'planner'],
      ['root', null, 'clerk'],
    ]);
    expect(input.chain.map(({ task }) => task.origin.trust)).toEqual(['organisation', 'organisation', 'organisation']);
    expect(input.chain[2]?.used.calls).toBe(3);
  });

  test('a budget has left what the case says, and hours and profile are those of the case', () => {
    const input = inputOf(
      `task: {
        budget: { effects: { read: 3 }, operations: { 'files:read': 2 }, sums: [{ target: files, operations: [read], argument: /size, at_most: 9.5 }] },
        used: { effects: { read: 1 }, sums: [2] },
        schedules: [{ time_zone: Europe/Berlin, hours: [{ from: '09:00', to: '17:00' }] }],
        profile: notes
      }, action: { target: files, operation: read, arguments: { size: 7.5 } }`,
    );
    expect(leftFor(input.chain, input.action)).toEqual({ calls: 100, effect: 2, operation: 2, sum: 75_000 });
    expect(input.chain[0]?.task).toMatchObject({
      window: { schedules: [{ timeZone: 'Europe/Berlin', hours: [{ from: 540, to: 1020 }] }] },
      profile: { name: 'notes', version: 1 },
    });
    expect('draws' in drawsOf(input.chain, input.action)).toBe(true);
  });

  test('times are counted from the time of the case', () => {
    const input = inputOf(
      "time: '2026-03-01T10:00:00+01:00', task: { age_seconds: 10, expires_in_seconds: 20 }, token: { age_seconds: 5 }, action: 'files:read'",
    );
    const now = Date.UTC(2026, 2, 1, 9);
    expect(input.now).toBe(now);
    expect(input.chain[0]?.task.window).toEqual({ notBefore: now - 10_000, expiresAt: now + 20_000 });
    expect(input.token?.issuedAt).toBe(now - 5000);
  });

  test('an approval is by the people it names', () => {
    expect(inputOf("approval: bob, action: 'files:read'").approval).toMatchObject({ approvers: [{ subject: 'b-17' }] });
  });
});

describe('a case that cannot be decided is refused, with what to add', () => {
  const cases: [string, string, string][] = [
    [
      'an unknown effect',
      "action: 'files:write'",
      'give `effect`, or state it under `defaults.targets.files.operations`',
    ],
    ['an operation that Remit does not have', "action: 'remit:task.creat'", '`task.create`'],
    ['an unknown agent', "agent: clark, action: 'files:read'", '(`clerk`, `planner`)'],
    ['an unknown person', "delegator: alise, action: 'files:read'", '(known are `alice`, `bob`)'],
    ['a chain without a task', "task: null, chain: [{}], action: 'files:read'", 'has a `chain` but no `task`'],
  ];
  test.each(cases)('%s', (_name, fields, words) => {
    expect(() => inputOf(fields)).toThrow('t.yaml: case `a case`: ');
    expect(() => inputOf(fields)).toThrow(words);
  });

  test.each([
    ['delegator', "agent: clerk, task: {}, action: 'remit:task.read'"],
    ['agent', "delegator: alice, task: {}, action: 'remit:task.read'"],
  ])('a task of no %s', (party, fields) => {
    expect(() => inputOf(fields, '')).toThrow(`says no ${party} for its task; add \`${party}\` to the task`);
  });
});
