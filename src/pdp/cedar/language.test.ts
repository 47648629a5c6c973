import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { entitiesOf, recordOf, type EntityJson } from '../../../test/harness/cedar-json.ts';
import { DATETIMES, DECIMALS, DURATIONS, IPS, STRINGS } from '../../../test/harness/cedar-literals.ts';
import { CedarEngine, type PolicySource } from './engine.ts';
import { uidOf } from './literal.ts';
import { splitPolicies } from './split.ts';
import { policyToJson } from './to-json.ts';

// Each operator and function of the language, at its edges: against what is written down, and against cedar-wasm.

type Outcome = 'true' | 'false' | 'error' | 'refused';

const uid = (type: string, id: string) => ({ type, id });
const ENTITIES: EntityJson[] = [
  {
    uid: uid('User', 'alice'),
    attrs: {
      name: 'Alice',
      'odd key': 'odd',
      nested: { a: { b: 1 } },
      boss: { __entity: uid('User', 'bob') },
      ghost: { __entity: uid('User', 'ghost') },
    },
    parents: [uid('Group', 'staff')],
    tags: { t: 'v' },
  },
  {
    uid: uid('User', 'bob'),
    attrs: { name: 'Bob', boss: { __entity: uid('User', 'alice') } },
    parents: [],
  },
  { uid: uid('Group', 'staff'), attrs: {}, parents: [uid('Group', 'all')] },
  { uid: uid('File', 'x'), attrs: {}, parents: [uid('Folder', 'f')] },
  { uid: uid('Action', 'read'), attrs: {}, parents: [uid('Action', 'all')] },
  ...Array.from({ length: 30 }, (_none, n) => ({
    uid: uid('Chain', String(n)),
    attrs: {},
    parents: n < 29 ? [uid('Chain', String(n + 1))] : [],
  })),
];
const REQUEST = {
  principal: uid('User', 'alice'),
  action: uid('Action', 'read'),
  resource: uid('File', 'x'),
  context: {
    groups: [{ __entity: uid('Group', 'all') }],
    mixed: [{ __entity: uid('Group', 'all') }, 1],
    a: { b: { c: 1 } },
    addr: '127.0.0.1',
    price: '1.5',
    if: 1,
  },
};

function policy(expression: string): string {
  return `permit (principal, action, resource) when { ${expression} };`;
}

type Parts = { id: string; text: string }[];

/** One outcome an expression, of one evaluation of all that the parser takes. */
function outcomes(
  expressions: readonly string[],
  evaluate: (taken: Parts) => { satisfied: readonly string[]; erred: readonly string[] },
  takes: (text: string) => boolean,
): Outcome[] {
  const all = expressions.map((expression, place) => ({ id: `p${place}`, text: policy(expression) }));
  const taken = all.filter(({ text }) => takes(text));
  const { satisfied, erred } = evaluate(taken);
  const [isTaken, holds, errs] = [new Set(taken.map(({ id }) => id)), new Set(satisfied), new Set(erred)];
  return all.map(({ id }) =>
    !isTaken.has(id) ? 'refused' : errs.has(id) ? 'error' : holds.has(id) ? 'true' : 'false',
  );
}

function ours(expressions: readonly string[]): Outcome[] {
  const parsed = new Map<string, PolicySource['json']>();
  const parse = (text: string) => {
    const [statement, ...more] = splitPolicies(text);
    const answer = policyToJson(statement!);
    if (more.length > 0 || !answer.ok) return false;
    parsed.set(text, answer.json);
    return true;
  };
  return outcomes(
    expressions,
    (taken) => {
      const answer = new CedarEngine(taken.map(({ id, text }) => ({ id, json: parsed.get(text)! }))).authorize({
        principal: uidOf(REQUEST.principal),
        action: uidOf(REQUEST.action),
        resource: uidOf(REQUEST.resource),
        context: recordOf(REQUEST.context),
        entities: entitiesOf(ENTITIES),
      });
      return { satisfied: answer.reasons, erred: answer.errors.map((error) => error.policy) };
    },
    parse,
  );
}

function oracle(expressions: readonly string[]): Outcome[] {
  return outcomes(
    expressions,
    (taken) => {
      const staticPolicies = Object.fromEntries(taken.map(({ id, text }) => [id, text]));
      const entities = ENTITIES.map((entity) => ({ tags: {}, ...entity })) as unknown as cedar.Entities;
      const answer = cedar.isAuthorized({ ...REQUEST, entities, policies: { staticPolicies } });
      if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
      const { reason, errors } = answer.response.diagnostics;
      return { satisfied: reason, erred: errors.map(({ policyId }) => policyId) };
    },
    (text) => cedar.checkParsePolicySet({ staticPolicies: { p: text } }).type === 'success',
  );
}

function table(expressions: readonly string[], found: readonly Outcome[]): string[] {
  return expressions.map((expression, place) => `${found[place]!.padEnd(8)} ${expression}`);
}

test('each operator does what is written down for it, and what cedar-wasm does', () => {
  const lines = readFileSync('test/golden/cedar-expressions.txt', 'utf8').split('\n');
  const written = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const expressions = written.map((line) => line.slice(9));
  expect(table(expressions, ours(expressions))).toEqual(written);
  expect(table(expressions, oracle(expressions))).toEqual(written);
  expect(expressions.length).toBeGreaterThan(300);
});

test('each extension type takes what is written down for it, and what cedar-wasm takes', () => {
  for (const [name, { valid, invalid }] of Object.entries({
    decimal: DECIMALS,
    ip: IPS,
    datetime: DATETIMES,
    duration: DURATIONS,
  })) {
    const expressions = (texts: readonly string[]) =>
      texts.map((text) => `${name}(${literal(text)}) == ${name}(${literal(text)})`);
    expect(ours(expressions(valid)), name).toEqual(valid.map(() => 'true'));
    expect(ours(expressions(invalid)), name).toEqual(invalid.map(() => 'error'));
    expect(oracle(expressions([...valid, ...invalid])), name).toEqual(ours(expressions([...valid, ...invalid])));
  }
});

test('the functions of each extension type agree with cedar-wasm on each pair of values', () => {
  const pairs = (name: string, { valid }: { valid: readonly string[] }) =>
    valid.flatMap((a) => valid.map((b) => [`${name}("${a}")`, `${name}("${b}")`] as const));
  const expressions = [
    ...pairs('decimal', DECIMALS).flatMap(([a, b]) => [
      `${a} == ${b}`,
      `${a}.lessThan(${b})`,
      `${a}.greaterThanOrEqual(${b})`,
    ]),
    ...pairs('ip', IPS).flatMap(([a, b]) => [`${a} == ${b}`, `${a}.isInRange(${b})`]),
    ...IPS.valid.flatMap((ip) =>
      ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'].map((method) => `ip("${ip}").${method}()`),
    ),
    ...pairs('datetime', DATETIMES).flatMap(([a, b]) => [
      `${a} == ${b}`,
      `${a} <= ${b}`,
      `${a}.toDate() == ${b}.toDate()`,
      `${a}.toTime() < ${b}.toTime()`,
      `${a}.offset(${b}.durationSince(${a})) == ${b}`,
    ]),
    ...DATETIMES.valid.flatMap((at) =>
      DURATIONS.valid.map((by) => `datetime("${at}").offset(duration("${by}")) >= datetime("${at}")`),
    ),
    ...pairs('duration', DURATIONS).flatMap(([a, b]) => [
      `${a} == ${b}`,
      `${a} > ${b}`,
      ...['Milliseconds', 'Seconds', 'Minutes', 'Hours', 'Days'].map((unit) => `${a}.to${unit}() < ${b}.to${unit}()`),
    ]),
  ];
  const found = ours(expressions);
  expect(table(expressions, found)).toEqual(table(expressions, oracle(expressions)));
  for (const outcome of ['true', 'false', 'error'] satisfies Outcome[]) expect(found).toContain(outcome);
});

test('`like` agrees with cedar-wasm on each pattern and text', () => {
  const patterns = [
    '*',
    '**',
    '',
    'a',
    'a*',
    '*a',
    '*a*',
    'a*b',
    '\\*',
    '\\**',
    '*\\*',
    '*\\**',
    'a\\*b',
    '?',
    '[a]',
    '.',
    '\\\\',
    '\\\\*',
    '*\\\\',
    '\\"',
    '\\u{2a}',
    '\\u{2A}*',
    'é*',
    '*😀',
    '\\u{1f600}',
    '\\n',
    '*\\n*',
    '*\\0',
    'ab*ab',
    '*a*a*a*',
    'a**b',
    '\\u{d7ff}*',
    '*\\u{10fffe}',
    '\\u{feff}*',
  ];
  const texts = [...STRINGS, 'aab', 'aba', '*', '\\', '\\x', '"', 'é', '😀', 'x😀', '\n', 'abab', 'aaaa', 'a\0'];
  const expressions = patterns.flatMap((pattern) => texts.map((text) => `${literal(text)} like "${pattern}"`));
  expect(table(expressions, ours(expressions))).toEqual(table(expressions, oracle(expressions)));
});

test('characters stand for themselves and for their escapes', () => {
  const expressions = [
    ...STRINGS.map((text) => `"${text.replace(/["\\]/g, '\\$&')}" == ${literal(text)}`),
    '"a\nb" == "a\\nb"',
    '"a\tb" == "a\\tb"',
    '"a\rb" == "a\\rb"',
    '"\u202E" == "\\u{202e}"',
    '"a" // " == \n == "a"',
    '"a"\u2028 == "a"',
    '"a"\u00A0 == "a"',
    '"a"\u0085 == "a"',
    '"a"\v\f == "a"',
    '"a"\0 == "a"',
    '"a"\uFEFF == "a"',
    '"\\\n" == ""',
  ];
  expect(table(expressions, ours(expressions))).toEqual(table(expressions, oracle(expressions)));
  expect(ours(expressions.slice(0, STRINGS.length))).toEqual(STRINGS.map(() => 'true'));
});

/** The text as a Cedar string, each character outside of printable ASCII escaped. */
function literal(text: string): string {
  return `"${text.replace(/[^ !#-[\]-~]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`)}"`;
}
