import { describe, expect, test } from 'vitest';
import { InvalidConfig } from '../core/errors.ts';
import { parseCaseFile } from './case-form.ts';

const READ = "action: 'files:read_file'";

describe('a case file that cannot be used is refused with file, line, field and what to do', () => {
  const cases: [string, string, string[]][] = [
    ['no YAML', 'cases: [', ['t.yaml:1:']],
    // What would be read as another than is written.
    [
      'an argument named __proto__',
      `cases:\n  - { name: a, action: { target: files, operation: read, arguments: { __proto__: { a: 1 } } }, expect: deny }`,
      ['t.yaml:2: `cases.0.action.arguments.__proto__` is a reserved member name'],
    ],
    [
      'a person named __proto__',
      'people: { __proto__: { subject: x } }',
      ['t.yaml:1: `people.__proto__` is a reserved'],
    ],
    [
      'an integer that would be rounded',
      `cases:\n  - { name: a, action: { target: f, operation: r, arguments: { n: 9007199254740993 } }, expect: deny }`,
      ['t.yaml:2: `cases.0.action.arguments.n` is a number that cannot be kept exactly'],
    ],
    ['an anchor within itself', 'people: &p { a: *p }', ['t.yaml:1: ', 'nested deeper than 64']],
    [
      'aliases that unfold to millions',
      [
        'a: &a [x, x]',
        ...Array.from('bcdefghijklm', (name, n) => `${name}: &${name} [${`*${'abcdefghijkl'[n]}, `.repeat(9)}]`),
      ].join('\n'),
      ['t.yaml: its aliases unfold to more'],
    ],
    ['lists five thousand deep', `cases: ${'['.repeat(5000)}${']'.repeat(5000)}`, ['t.yaml:1: ']],
    ['a field twice', 'cases: []\ncases: []', ['t.yaml:2:', 'unique']],
    ['an unknown field of the file', 'case: []', ['t.yaml:1: `case` is not a known field', '`cases`', '`matrix`']],
    [
      'an unknown field of a case',
      `cases:\n  - name: a\n    ${READ}\n    expects: permit`,
      ['t.yaml:4: `cases.0.expects` is not a known field', 'known here are', '`expect`'],
    ],
    [
      'an unknown field of a delegator, which may also be a plain name',
      'defaults:\n  delegator: { subject: alice, group: [staff] }',
      ['t.yaml:2: `defaults.delegator.group` is not a known field', '`groups`'],
    ],
    [
      'an unknown field of an expectation',
      `cases:\n  - name: a\n    ${READ}\n    expect: { outcome: hold, approver: [bob] }`,
      ['`cases.0.expect.approver`', '`approvers`'],
    ],
    ['an unknown outcome', `cases:\n  - { name: a, ${READ}, expect: allow }`, ['t.yaml:2: `cases.0.expect', 'permit']],
    ['no expectation', `cases:\n  - { name: a, ${READ} }`, ['`cases.0.expect`']],
    ['no target', `cases:\n  - { name: a, action: read_file, expect: deny }`, ['`cases.0.action.target`']],
    ['a time that is none', 'defaults: { time: yesterday }', ['`defaults.time`', 'expected a time such as']],
    ['an approval by nobody', 'defaults: { approval: { by: [null] } }', ['`defaults.approval.by.0`']],
    [
      'two cases of one name',
      `cases:\n  - { name: a, ${READ}, expect: deny }\n  - { name: a, ${READ}, expect: deny }`,
      ['two cases are named `a`', 'rename one'],
    ],
    [
      'a table in another folder',
      'matrix: { who: {}, operations: {}, expected: ../../etc/table.txt }',
      ['`matrix.expected`', 'in the same folder'],
    ],
    [
      'a name that would break the table',
      `matrix: { who: { 'a  b': {} }, operations: {}, expected: t.txt }`,
      ['`matrix.who.a  b`', 'double spaces'],
    ],
  ];
  test.each(cases)('%s', (_name, text, words) => {
    let message = '';
    try {
      parseCaseFile('t.yaml', text);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidConfig);
      message = (error as Error).message;
    }
    expect(message).not.toBe('');
    for (const word of words) expect(message).toContain(word);
  });
});

test('short forms stand for the long ones', () => {
  const short = parseCaseFile(
    't.yaml',
    `cases:
  - name: a
    agent: clerk
    delegator: alice
    task: { origin: outside }
    approval: bob
    action: 'files:a:b'
    expect: deny`,
  );
  const long = parseCaseFile(
    't.yaml',
    `cases:
  - name: a
    agent: { id: clerk }
    delegator: { person: alice }
    task: { origin: { channel: api, trust: outside } }
    approval: { by: [{ person: bob }] }
    action: { target: files, operation: 'a:b' }
    expect: { outcome: deny }`,
  );
  expect(short).toEqual(long);
});
