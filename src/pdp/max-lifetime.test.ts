import { describe, expect, test } from 'vitest';
import { alice, sampleAction, sampleInput, sha256 } from '../../test/fixtures/task.ts';
import { decisionRecord } from '../core/decision-record.ts';
import type { DecisionInput } from '../core/decision.ts';
import { recordForm } from '../server/record-form.ts';
import { finish } from './steps.ts';
import { explainDecision } from '../policy/explain.ts';
import { createCheckArguments } from './check-arguments.ts';
import { createPdp } from './pdp.ts';

const ISSUE = 'action == Action::"remit:token.issue"';
const checkArguments = createCheckArguments();
const pdpOf = (...policies: string[]) => createPdp({ 'test.cedar': policies.join('\n') }, { sha256, checkArguments });

/** Agent and person both ask for a token of a task. */
const asked = (overrides: Partial<DecisionInput> = {}): DecisionInput =>
  sampleInput({
    action: sampleAction({
      target: 'remit',
      operation: 'token.issue',
      effect: 'mint',
      resources: ['token:https://remit.example.test/mcp/files'],
      arguments: {},
      definition: 'builtin',
    }),
    ...overrides,
  });

const decide = (...policies: string[]) => pdpOf(...policies).decide(asked());
const permit = (lifetime: string, principal = 'principal', more = '') =>
  `@max_lifetime("${lifetime}") permit (${principal}, ${ISSUE}, resource)${more};`;
const OPEN = `permit (principal, action, resource);`;

describe('the life of a token', () => {
  test('is what the permit says, in seconds or minutes', () => {
    expect(decide(permit('45s')).obligations).toEqual({ maxLifetimeSeconds: 45 });
    expect(decide(permit('2m')).obligations).toEqual({ maxLifetimeSeconds: 120 });
  });

  test('is the least that any determining permit says, and a permit that says nothing widens nothing', () => {
    const decision = decide(permit('5m'), permit('30s'), permit('60s'), OPEN);
    expect(decision.policies).toHaveLength(4);
    expect(decision.obligations).toEqual({ maxLifetimeSeconds: 30 });
  });

  test('is shortened by what permits the agent as by what permits the person', () => {
    const person = permit('20s', 'principal is Person');
    expect(decide(person, permit('40s', 'principal is Agent')).obligations).toEqual({ maxLifetimeSeconds: 20 });
    expect(decide(person, OPEN).obligations).toEqual({ maxLifetimeSeconds: 20 });
  });

  test('is not shortened by a permit that does not apply, nor by one on trial', () => {
    expect(decide(OPEN, permit('30s', 'principal', ' when { false }'))).not.toHaveProperty('obligations');
    expect(decide(OPEN, `@observe ${permit('30s')}`)).not.toHaveProperty('obligations');
  });

  test('is nothing that a denial or a hold speaks of', () => {
    const forbid = `forbid (principal, ${ISSUE}, resource);`;
    expect(decide(permit('30s'), forbid)).not.toHaveProperty('obligations');
    expect(decide(permit('30s'), `@approval("security") ${forbid}`)).not.toHaveProperty('obligations');
  });

  test('is said by links of a template as by the template', () => {
    const pdp = createPdp(
      {
        'test.cedar': `@id("short") @max_lifetime("30s") permit (principal == ?principal, ${ISSUE}, resource);\n${OPEN}`,
        'test.links.json': JSON.stringify([
          {
            template_id: 'short',
            link_id: 'alice',
            args: { '?principal': `Person::"${alice.issuer}|${alice.subject}"` },
          },
        ]),
      },
      { sha256, checkArguments },
    );
    expect(pdp.decide(asked()).obligations).toEqual({ maxLifetimeSeconds: 30 });
  });
});

describe('an annotation that nobody would keep to is refused, with file and line', () => {
  const form = 'has a @max_lifetime that is not from "10s" to "5m"';
  const head = 'has @max_lifetime, which is for tokens: its head has to say `action == Action::"remit:token.issue"`';
  test.each([
    ['no value', `@max_lifetime permit (principal, ${ISSUE}, resource);`, form],
    ['nothing', permit(''), form],
    ['a bare number', permit('60'), form],
    ['an hour', permit('1h'), form],
    ['more than any token has', permit('301s'), form],
    ['minutes beyond it', permit('6m'), form],
    ['too little to be used', permit('9s'), form],
    ['nought', permit('0m'), form],
    ['a fraction', permit('1.5m'), form],
    ['a sum', permit('1m30s'), form],
    ['blanks', permit(' 60s '), form],
    ['other digits', permit('６０s'), form],
    ['a forbid', `@max_lifetime("60s") forbid (principal, ${ISSUE}, resource);`, 'has @max_lifetime on a forbid'],
    ['any action', '@max_lifetime("60s") permit (principal, action, resource);', head],
    ['an effect', '@max_lifetime("60s") permit (principal, action in Action::"mint", resource);', head],
    [
      'several actions',
      '@max_lifetime("60s") permit (principal, action in [Action::"remit:token.issue"], resource);',
      head,
    ],
    [
      'another operation',
      '@max_lifetime("60s") permit (principal, action == Action::"files:read_text_file", resource);',
      head,
    ],
  ])('%s', (_name, policy, problem) => {
    expect(() => pdpOf(OPEN, '// the second line', policy)).toThrow(`test.cedar:3: policy \`test.cedar#2\` ${problem}`);
  });
});

test('it is recorded, in a form that readers know, and a decision without it is as before', () => {
  const parts = { id: 'rec_1', request: 'req_1', approval: null, token: null };
  const recordOf = (...policies: string[]) =>
    decisionRecord({ ...parts, input: asked(), decision: decide(...policies) }, sha256);
  const record = recordOf(permit('30s'));
  expect(record.decision.obligations).toEqual({ max_lifetime_seconds: 30 });
  expect(recordForm.safeParse(record).success).toBe(true);
  expect(recordOf(OPEN).decision).not.toHaveProperty('obligations');
});

test('it is explained, and an explanation under a set that obliges to something else does not agree', () => {
  const record = decisionRecord(
    { id: 'rec_1', request: 'req_1', approval: null, token: null, input: asked(), decision: decide(permit('30s')) },
    sha256,
  );
  const explained = (...policies: string[]) =>
    finish(explainDecision(record, { pdp: pdpOf(...policies), sha256, checkArguments, isKnownForm: () => true }));
  expect(explained(permit('30s'))).toMatchObject({ agrees: true, obligations: { max_lifetime_seconds: 30 } });
  expect(explained(permit('31s'))).toMatchObject({ agrees: false, obligations: { max_lifetime_seconds: 31 } });
});
