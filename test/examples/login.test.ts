import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { peopleForm, readPeopleProvider } from '../../src/config/people-provider.ts';
import { createCheckArguments } from '../../src/pdp/check-arguments.ts';
import { createPdp } from '../../src/pdp/pdp.ts';
import { parseCaseFile } from '../../src/policy/case-form.ts';
import { caseInput } from '../../src/policy/case-input.ts';
import { sha256 } from '../fixtures/task.ts';

/** What docs/login.md shows is read and decided as it says. */

const text = readFileSync(join(import.meta.dirname, '../../docs/login.md'), 'utf8');
const block = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(text)![1]!;

test('the configuration is one that Remit reads', () => {
  const { identity } = parse(block('yaml')) as { identity: { people: unknown[] } };
  expect(readPeopleProvider(peopleForm.parse(identity.people[0]), 'https://remit.example.com')).toMatchObject({
    groupsClaim: '/realm_access/roles',
    requiredAcr: ['phr', 'phrh'],
    maxAuthAgeSeconds: 43_200,
  });
});

test('the policy asks for a recent sign-in', () => {
  const files = { 'a.cedar': `permit (principal, action, resource);\n${block('cedar')}` };
  const pdp = createPdp(files, { sha256, checkArguments: createCheckArguments() });
  const outcome = (delegator: string) => {
    const file = parseCaseFile(
      'login.yaml',
      `cases: [{ name: a case, expect: permit, agent: 'spiffe://remit.local/agent/clerk',
        time: '2026-03-02T12:00:00Z', delegator: { subject: alice${delegator} }, task: {},
        action: { target: mail, operation: send, effect: send } }]`,
    );
    const { name: _name, expect: _expect, ...situation } = file.cases[0]!;
    return pdp.decide(caseInput(file, 'case `a case`', situation)).outcome;
  };
  expect(outcome(", auth_time: '2026-03-02T11:50:00Z'")).toBe('permit');
  expect(outcome(", auth_time: '2026-03-02T11:49:59Z'")).toBe('deny');
  expect(outcome('')).toBe('deny');
});
