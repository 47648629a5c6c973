import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Catalogue } from '../grant-form.ts';
import { parseProfile } from './profile-file.ts';

const catalogue: Catalogue = {
  operations: (target) => (target === 'files' ? ['read_text_file', 'write_file'] : undefined),
  effectOf: (_target, operation) => (operation === 'write_file' ? 'write' : 'read'),
  trustDomains: ['remit.local'],
};
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const PROFILE = `name: daily
version: 1
agents: [spiffe://remit.local/agent/summariser]
purpose: summarise the notes
grant: [{ target: files, operations: [read_text_file] }]
sensitivity: internal
minutes: 5
budget: { calls: 20 }
automation:
  owner: { subject: alice, groups: [staff] }
  every_minutes: 90
`;

const parse = (text: string, issuers = ['https://idp.example']) =>
  parseProfile('daily.yaml', text, { catalogue, sha256, issuers });

test('it says on whose behalf, how often, and when a person has to look', () => {
  expect(parse(PROFILE).automation).toEqual({
    owner: { issuer: 'https://idp.example', subject: 'alice', groups: ['staff'] },
    everyMs: 5_400_000,
    stopAfterFailures: 1,
  });
});

test.each([
  [
    'operations: [read_text_file]',
    'operations: [read_text_file, write_file]',
    'reads, and `files:write_file` does more',
  ],
  ['operations: [read_text_file]', 'effects: [read, send]', 'reads, and `send` does more'],
  ['agent/summariser', 'agent/*', 'each agent is named in full'],
  ['purpose: summarise the notes\n', '', 'say what it is for'],
  ['minutes: 5\n', '', 'say how long it lives'],
  ['minutes: 5\n', 'minutes: 5\nparameters: { type: object }\n', 'an automated task has none'],
  ['budget: { calls: 20 }\n', '', 'say how many calls it makes'],
  ['minutes: 5\n', 'minutes: 5\nmax_hops: 1\n', 'is not handed on'],
  ['minutes: 5\n', 'minutes: 5\napproval: { task: [owners] }\n', 'nobody is there to be asked'],
  ['subject: alice', 'subject: alice, issuer: https://other.example', 'is no provider of people'],
  ['every_minutes: 90', 'every_minutes: 0', 'automation.every_minutes'],
  ['every_minutes: 90', 'every_hour: 1', 'automation'],
])('with %s as %s it is refused', (from, to, problem) => {
  expect(() => parse(PROFILE.replace(from, to))).toThrow(problem);
});

test('of several providers of people, or of none, the owner’s is named', () => {
  expect(() => parse(PROFILE, [])).toThrow('not exactly one provider');
  expect(() => parse(PROFILE, ['https://a.example', 'https://b.example'])).toThrow('not exactly one provider');
});
