import { describe, expect, test } from 'vitest';
import { sampleAction, sampleInput, sampleTask, sha256 } from '../../test/fixtures/task.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { createCheckArguments } from './check-arguments.ts';
import { createPdp } from './pdp.ts';

const checkArguments = createCheckArguments();
const pdpOf = (...policies: string[]) => createPdp({ 'a.cedar': policies.join('\n') }, { sha256, checkArguments });

const OPEN = 'permit (principal, action, resource);';
/** Forbids what has a member `secret`, wherever a policy can say so. */
const GUARDED = pdpOf(OPEN, 'forbid (principal, action, resource) when { context.args has secret };');

function decide(pdp: ReturnType<typeof pdpOf>, args: JsonObject, parameters: JsonObject = {}) {
  const chain = [
    {
      task: sampleTask({ parameters, grant: [{ type: 'remit_grant', target: 'files', effects: ['read'] }] }),
      used: { calls: 0 },
    },
  ];
  const { outcome, reasons } = pdp.decide(sampleInput({ action: sampleAction({ arguments: args }), chain }));
  return { outcome, message: reasons[0]!.message };
}

function nested(depth: number, wrap: (inner: JsonValue) => JsonValue): JsonObject {
  let value: JsonValue = 1;
  for (let n = 0; n < depth; n++) value = wrap(value);
  return { deep: value };
}

describe('arguments that policy cannot see as they are', () => {
  const parsed = (json: string) => JSON.parse(json) as JsonObject;
  const cases: [string, JsonObject, RegExp][] = [
    ['a number that is none', parsed('{"a": 1e400}'), /argument `\/a` is a number that policy cannot see exactly/],
    ['a rounded integer', parsed('{"a": {"b": [9007199254740993]}}'), /argument `\/a\/b\/0` is a number/],
    ['a long fraction', parsed('{"a": 0.12345}'), /argument `\/a` is a number/],
    ['a tiny fraction', parsed('{"a": 1e-7}'), /argument `\/a` is a number/],
    ['null in a list', { a: [1, null] }, /argument `\/a\/1` is null/],
    ['a member __proto__', parsed('{"__proto__": {"secret": 1}}'), /argument `\/__proto__` has a reserved name/],
    ['one deep inside', parsed('{"a": [{"b": {"__proto__": 1}}]}'), /argument `\/a\/0\/b\/__proto__` has a reserved/],
    [
      'an escape of Cedar',
      parsed('{"a": {"__entity": {"type": "Group", "id": "x"}}}'),
      /`\/a\/__entity` has a reserved/,
    ],
    ['an extension of Cedar', parsed('{"__extn": {"fn": "ip", "arg": "::1"}}'), /`\/__extn` has a reserved/],
    ['records nested a thousand deep', nested(1000, (inner) => ({ n: inner })), /nested deeper than 64/],
    ['lists nested ten thousand deep', nested(10_000, (inner) => [inner]), /nested deeper than 64/],
    ['both in turn', nested(500, (inner) => [{ n: inner }]), /nested deeper than 64/],
  ];
  test.each(cases)('%s: denied, and which it was', (_name, args, message) => {
    expect(decide(GUARDED, args)).toEqual({ outcome: 'deny', message: expect.stringMatching(message) });
    expect(decide(GUARDED, {}, args).outcome).toBe('deny');
  });
});

describe('names that an object has without anybody giving them', () => {
  const names = [
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '__defineGetter__',
    '',
    ' ',
    'a.b',
    '0',
    'length',
    'é',
    '\0',
  ];
  const literal = (name: string) => `"${name.replace(/[^ -~]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`)}"`;

  test.each(names)('%j is there exactly when it was given', (name) => {
    const has = pdpOf(`permit (principal, action, resource) when { context.args has ${literal(name)} };`);
    const inner = pdpOf(
      `permit (principal, action, resource) when { context.args has a && context.args.a has ${literal(name)} };`,
    );
    const value = pdpOf(`permit (principal, action, resource) when { context.args[${literal(name)}] == "x" };`);
    const task = pdpOf(`permit (principal, action, resource) when { context.task.parameters has ${literal(name)} };`);
    expect(decide(has, {}).outcome).toBe('deny');
    expect(decide(has, { [name]: null }).outcome).toBe('deny');
    expect(decide(has, { [name]: 'x' }).outcome).toBe('permit');
    expect(decide(inner, { a: {} }).outcome).toBe('deny');
    expect(decide(inner, { a: { [name]: false } }).outcome).toBe('permit');
    expect(decide(value, {}).message).toMatch(/failed: a record has no attribute/);
    expect(decide(value, { [name]: 'x' }).outcome).toBe('permit');
    expect(decide(task, {}).outcome).toBe('deny');
    expect(decide(task, {}, { [name]: 0 }).outcome).toBe('permit');
  });

  test.each(['constructor', '__proto__', 'toString', ''])('an operation, a resource and a group named %j', (name) => {
    const quoted = literal(name);
    const pdp = pdpOf(
      `permit (principal, action == Action::${literal(`files:${name}`)}, resource == Resource::${literal(`files:${name}`)});`,
      `forbid (principal in Group::${quoted}, action, resource);`,
      `forbid (principal, action in Action::${quoted}, resource);`,
      `forbid (principal, action, resource) when { principal has ${quoted} || resource has ${quoted} || context has ${quoted} };`,
    );
    const action = sampleAction({ operation: name, resources: [name] });
    const open = [
      {
        task: sampleTask({ grant: [{ type: 'remit_grant', target: 'files', effects: ['read'] }] }),
        used: { calls: 0 },
      },
    ];
    expect(pdp.decide(sampleInput({ action, chain: open })).outcome).toBe('permit');
    const { delegator } = sampleInput();
    const member = { ...delegator!, groups: [name] };
    expect(pdp.decide(sampleInput({ action, delegator: member, chain: open })).policies).toEqual(['a.cedar#2']);
  });
});

describe('arguments of megabytes', () => {
  const LONG = 2_000_000;
  const like = (pattern: string) =>
    pdpOf(`permit (principal, action, resource) when { context.args.text like "${pattern}" };`);
  // By backtracking, or by trying each place, any of these would take longer than anybody waits.
  const patterns: [string, string, string, 'permit' | 'deny'][] = [
    ['many stars', `${'*a'.repeat(2000)}*b`, 'a'.repeat(LONG), 'deny'],
    ['many stars that fit', `${'*a'.repeat(2000)}*b`, `${'a'.repeat(LONG)}b`, 'permit'],
    ['a run that nearly fits everywhere', `*${'a'.repeat(50_000)}b*`, 'a'.repeat(LONG), 'deny'],
    ['its mirror', `*b${'a'.repeat(50_000)}*`, 'a'.repeat(LONG), 'deny'],
    ['one that fits at the end', `*${'a'.repeat(50_000)}b*`, `${'a'.repeat(LONG)}b`, 'permit'],
    ['runs of periods', `*${'ab'.repeat(20_000)}a*${'ab'.repeat(20_000)}c*`, 'ab'.repeat(LONG / 2), 'deny'],
    ['no wildcard', 'a'.repeat(50_000), 'a'.repeat(LONG), 'deny'],
    ['two that overlap', `${'a'.repeat(60)}*${'a'.repeat(60)}`, 'a'.repeat(100), 'deny'],
  ];
  test.each(patterns)('%s', (_name, pattern, text, outcome) => {
    expect(decide(like(pattern), { text }).outcome).toBe(outcome);
  });

  test('wide lists and records are compared by what is in them', () => {
    const list = Array.from({ length: 300_000 }, (_none, n) => `item ${n}`);
    const sets = pdpOf(
      'permit (principal, action, resource) when { context.args.a == context.args.b && context.args.a.containsAll(context.args.b) };',
      'forbid (principal, action, resource) when { context.args.a.contains("none") || context.args.a.isEmpty() };',
    );
    expect(decide(sets, { a: list, b: list.toReversed() }).outcome).toBe('permit');
    expect(decide(sets, { a: list, b: [...list, 'more'] }).outcome).toBe('deny');
    const wide = Object.fromEntries(list.map((name) => [name, name]));
    const records = pdpOf('permit (principal, action, resource) when { context.args.a == context.args.b };');
    expect(decide(records, { a: wide, b: { ...wide } }).outcome).toBe('permit');
    expect(decide(records, { a: wide, b: { ...wide, 'item 7': 'x' } }).outcome).toBe('deny');
    expect(decide(GUARDED, wide).outcome).toBe('permit');
    expect(decide(GUARDED, { ...wide, secret: '' }).outcome).toBe('deny');
  });

  test('a negative zero is zero', () => {
    const zero = pdpOf(
      'permit (principal, action, resource) when { context.args.n == 0 && [0].contains(context.args.n) };',
    );
    expect(decide(zero, JSON.parse('{"n": -0}') as JsonObject).outcome).toBe('permit');
  });
});
