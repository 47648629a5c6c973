import { describe, expect, test } from 'vitest';
import { approvalRule, isMet, isNamedBy, lacksStepUp, readApprovalRule } from './approval-rule.ts';
import { isApproved, mayAnswer } from './approval.ts';
import type { Delegator } from './party.ts';

function person(subject: string, more: Partial<Delegator> = {}): Delegator {
  return { issuer: 'https://idp.example', subject, groups: ['owners'], ...more };
}

describe('the text of a rule', () => {
  const plain = { people: 1, acrValues: [], maxAgeSeconds: null };

  test.each([
    ['owners', { ...plain, names: ['owners'] }],
    ['  bob@example.test ', { ...plain, names: ['bob@example.test'] }],
    ['owners, security,bob', { ...plain, names: ['owners', 'security', 'bob'] }],
    ['2 of owners', { ...plain, people: 2, names: ['owners'] }],
    ['9 OF a,b', { ...plain, people: 9, names: ['a', 'b'] }],
    ['02 of owners', { ...plain, people: 2, names: ['owners'] }],
    ['2 office', { ...plain, names: ['2 office'] }],
    ['heads of department', { ...plain, names: ['heads of department'] }],
    ["'CN=owners,OU=x; y', security", { ...plain, names: ['CN=owners,OU=x; y', 'security'] }],
    ["2 of 'CN=a,OU=b' , 'c;d'", { ...plain, people: 2, names: ['CN=a,OU=b', 'c;d'] }],
    ["o'neil, d'arcy", { ...plain, names: ["o'neil", "d'arcy"] }],
    ["'2 of owners'", { ...plain, names: ['2 of owners'] }],
    ['owners; acr phr phrh', { ...plain, names: ['owners'], acrValues: ['phr', 'phrh'] }],
    ['owners; acr urn:x; acr urn:y', { ...plain, names: ['owners'], acrValues: ['urn:x', 'urn:y'] }],
    [' 2 of owners ;max_age 300; acr phr', { people: 2, names: ['owners'], acrValues: ['phr'], maxAgeSeconds: 300 }],
  ])('`%s`', (text, rule) => {
    expect(readApprovalRule(text)).toEqual({ rule });
  });

  test.each([
    ['', /a name empty/],
    ['owners,', /a name empty/],
    [', owners', /a name empty/],
    ["''", /a name empty/],
    ['2 of ', /a name empty/],
    ['0 of owners', /for 0 people; ask for 1 to 9/],
    ['10 of owners', /for 10 people/],
    ['99999999999999999999 of owners', /people/],
    ['owners; acr', /option `acr`; there are/],
    ['owners; acr "', /option/],
    ['owners; max_age', /option/],
    ['owners; max_age 0', /option `max_age 0`/],
    ['owners; max_age 5m', /option/],
    ['owners; max_age 1 2', /option/],
    ['owners;', /option ``/],
    ['owners; not owner', /option `not owner`/],
    ['owners; 2 of security', /option/],
    ["'CN=a,OU=b' x; y", /option/],
    ['a\u0001b', /control character/],
    [Array.from({ length: 21 }, (_none, n) => `g${n}`).join(','), /more than 20/],
  ])('`%s` is none', (text, problem) => {
    expect(readApprovalRule(text)).toEqual({ problem: expect.stringMatching(problem) });
    expect(isMet(approvalRule(text), [person('bob')])).toBe(false);
  });
});

describe('who counts', () => {
  const met = (text: string, ...people: Delegator[]) => isMet(approvalRule(text), people);

  test('a group, subject or e-mail of theirs, exactly', () => {
    expect(met('owners', person('bob'))).toBe(true);
    expect(met('bob', person('bob', { groups: [] }))).toBe(true);
    expect(met('b@x.test', person('bob', { groups: [], email: 'b@x.test' }))).toBe(true);
    expect(met('Owners', person('bob'))).toBe(false);
    expect(met('security', person('bob'))).toBe(false);
    expect(met('owners')).toBe(false);
    expect(isNamedBy(approvalRule('security, bob'), person('bob'))).toBe(true);
  });

  test('different people, whatever accounts they have', () => {
    expect(met('2 of owners', person('bob'), person('carol'))).toBe(true);
    expect(met('2 of owners', person('bob'), person('bob'))).toBe(false);
    expect(met('2 of owners', person('bob', { acr: 'x' }), person('bob', { groups: ['owners', 'y'] }))).toBe(false);
    expect(met('2 of owners', person('bob'), person('bob', { issuer: 'https://other.example' }))).toBe(true);
    const [work, home] = [person('bob', { email: 'b@x.test' }), person('robert', { email: 'B@X.test' })];
    expect(met('2 of owners', work, home)).toBe(false);
    // A third account ties two together, in whichever order they answer.
    const tie = person('bob', { email: 'bob@y.test' });
    const other = person('rob', { email: 'bob@y.test' });
    for (const order of [
      [work, tie, other],
      [work, other, tie],
      [other, work, tie],
    ]) {
      expect(met('2 of owners', ...order)).toBe(false);
    }
  });

  test('only those who are signed in as strongly as it asks', () => {
    expect(met('owners; acr phr phrh', person('bob', { acr: 'phrh' }))).toBe(true);
    expect(met('owners; acr phr', person('bob', { acr: 'mfa' }))).toBe(false);
    expect(met('owners; acr phr', person('bob'))).toBe(false);
    expect(met('2 of owners; acr phr', person('bob', { acr: 'phr' }), person('carol'))).toBe(false);
  });
});

test('of several rules all are met, by whoever each names', () => {
  const yes = (by: Delegator) => ({ to: 'approved' as const, by });
  const carol = person('carol', { groups: ['security'] });
  expect(mayAnswer(['owners', 'security'], carol)).toBe(true);
  expect(mayAnswer(['owners'], carol)).toBe(false);
  expect(mayAnswer([], carol)).toBe(false);
  expect(isApproved(['owners', 'security'], [yes(carol)])).toBe(false);
  expect(isApproved(['owners', 'security'], [yes(carol), yes(person('bob'))])).toBe(true);
  expect(isApproved(['owners', 'security'], [yes(carol), { to: 'refused', by: person('bob') }])).toBe(false);
  expect(isApproved(['owners', 'security'], [yes(person('dan', { groups: ['owners', 'security'] }))])).toBe(true);
  expect(isApproved([], [yes(carol)])).toBe(false);
});

test('a sign-in is strong and fresh enough, or what it lacks is said', () => {
  const now = 1_790_000_000_000;
  const needed = { acrValues: ['phr'], maxAgeSeconds: 300 };
  expect(lacksStepUp({ acr: 'phr', authTime: 1_790_000_000 - 300 }, needed, now)).toBeNull();
  expect(lacksStepUp({ acr: 'phr', authTime: 1_790_000_000 - 301 }, needed, now)).toEqual(needed);
  expect(lacksStepUp({ acr: 'phr' }, needed, now)).toEqual(needed);
  expect(lacksStepUp({ acr: 'pwd', authTime: 1_790_000_000 }, needed, now)).toEqual(needed);
  expect(lacksStepUp({}, { acrValues: [], maxAgeSeconds: null }, now)).toBeNull();
});
