import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sampleAction, sha256 } from '../../test/fixtures/task.ts';
import { actionDigest } from './action.ts';
import { canonicalJson, findJsonHazard, type JsonObject, type JsonValue } from './json.ts';
import { REDACTED, redactArguments, redactText } from './redact.ts';
import { parseSpiffeId, parseWorkloadId } from './spiffe-id.ts';
import { hasEnded, mayBecome, TASK_STATES } from './task.ts';

describe('canonical JSON (RFC 8785)', () => {
  test('sorts by UTF-16 units and writes numbers as ECMAScript does', () => {
    expect(canonicalJson({ '\u20ac': 1, '1': 1e21, a: [1.0, 'é\n', null, true] })).toBe(
      '{"1":1e+21,"a":[1,"é\\n",null,true],"€":1}',
    );
  });
  test('round-trips, and does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as JsonValue;
        fc.pre(JSON.stringify(json).isWellFormed());
        expect(canonicalJson(JSON.parse(canonicalJson(json)) as JsonValue)).toBe(canonicalJson(json));
      }),
    );
    expect(canonicalJson({ b: 1, a: 2 })).toBe(canonicalJson({ a: 2, b: 1 }));
  });
  test('refuses what JSON cannot carry', () => {
    expect(() => canonicalJson(Number.NaN)).toThrow(RangeError);
    expect(() => canonicalJson('\ud800')).toThrow(RangeError);
  });
});

test.each([
  ['{"a":9007199254740993}', '/a'],
  ['[1e400]', '/0'],
  ['{"__proto__":1}', '/__proto__'],
  [`${'['.repeat(40)}${']'.repeat(40)}`, '/0'.repeat(33)],
])('the hazard in %s is found', (text, path) => {
  expect(findJsonHazard(JSON.parse(text) as JsonValue, { maxDepth: 32 })?.path).toBe(path);
});
test('plain JSON has no hazard', () => {
  expect(findJsonHazard({ a: [1, 'x', null, { b: 1.5 }] }, { maxDepth: 32 })).toBeNull();
});

test.each([
  'http://a/b',
  'spiffe://',
  'spiffe://UPPER/x',
  'spiffe://a:80/x',
  'spiffe://u@a/x',
  'spiffe://a/x/',
  'spiffe://a//x',
  'spiffe://a/./x',
  'spiffe://a/../x',
  'spiffe://a/x?y',
  'spiffe://a/x#y',
  'spiffe://a/%41',
  'spiffe://a/é',
  `spiffe://a/${'x'.repeat(2048)}`,
])('`%s` is no SPIFFE ID', (text) => {
  expect(parseSpiffeId(text)).toHaveProperty('problem');
});
test('a workload has a path', () => {
  expect(parseWorkloadId('spiffe://a.b/c/d')).toMatchObject({ trustDomain: 'a.b', path: '/c/d' });
  expect(parseWorkloadId('spiffe://a.b')).toHaveProperty('problem');
});

describe('the digest of an action', () => {
  const subject = { agent: 'a', delegator: 'd', chain: ['t'], policySet: 'p' };
  const digest = (overrides: Parameters<typeof sampleAction>[0], s = subject) =>
    actionDigest(sampleAction(overrides), s, sha256);
  test('does not depend on the order of arguments', () => {
    expect(digest({ arguments: { a: 1, b: 2 } })).toBe(digest({ arguments: { b: 2, a: 1 } }));
  });
  test('differs when anything that matters differs', () => {
    const all = [
      digest({}),
      digest({ target: 'x' }),
      digest({ operation: 'x' }),
      digest({ resources: ['x'] }),
      digest({ effect: 'send' }),
      digest({ sensitivity: 'restricted' }),
      digest({ arguments: { path: 'x' } }),
      digest({}, { ...subject, agent: 'x' }),
      digest({}, { ...subject, delegator: 'x' }),
      digest({}, { ...subject, chain: ['x'] }),
      digest({}, { ...subject, policySet: 'x' }),
      digest({ arguments: { path: 'caf\u00e9' } }),
      digest({ arguments: { path: 'cafe\u0301' } }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('redaction', () => {
  test('hides what is named or shaped like a secret and keeps the rest', () => {
    expect(
      redactArguments({
        to: 'ada@example.test',
        api_key: 'k',
        nested: [{ password: 1 }],
        text: 'x Bearer abcdefghijklmnopqrstu y',
      }),
    ).toEqual({ to: 'ada@example.test', api_key: REDACTED, nested: [{ password: REDACTED }], text: `x ${REDACTED} y` });
    expect(redactText('failed: eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln')).toBe(`failed: ${REDACTED}`);
  });
  test('bounds the size and says what was cut', () => {
    const kept = redactArguments({ a: 'x'.repeat(1_000_000), b: Array.from({ length: 100_000 }, () => 'y') });
    expect(JSON.stringify(kept).length).toBeLessThan(60_000);
    expect(kept['a']).toContain('[cut: 1000000 characters in all]');
  });
  test('always yields well-formed JSON text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const wrapped = JSON.parse(JSON.stringify({ value })) as JsonObject;
        expect(canonicalJson(redactArguments(wrapped))).toBeTypeOf('string');
      }),
    );
  });
});

test('a task that has ended never becomes anything else', () => {
  for (const from of TASK_STATES.filter(hasEnded)) {
    for (const to of TASK_STATES) expect(mayBecome(from, to)).toBe(false);
  }
});
