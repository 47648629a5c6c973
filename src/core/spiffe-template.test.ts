import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { claimHolds, claimNameProblem, claimRuleNarrows, readClaim } from './claim.ts';
import { fillSpiffeTemplate, parseSpiffeTemplate, templatesMayMeet, type SpiffeTemplate } from './spiffe-template.ts';

function template(text: string): SpiffeTemplate {
  const parsed = parseSpiffeTemplate(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed;
}

test('claims are put in as they stand', () => {
  const claims = { repository: 'acme/agents', 'kubernetes.io': { pod: { name: 'web-1' } } };
  const fill = (text: string) => fillSpiffeTemplate(template(text), claims);
  expect(fill('spiffe://ci.example/gh/{repository/}')).toMatchObject({ id: 'spiffe://ci.example/gh/acme/agents' });
  expect(fill('spiffe://k.example/{/kubernetes.io/pod/name}/x')).toMatchObject({ id: 'spiffe://k.example/web-1/x' });
  expect(fill('spiffe://ci.example/gh/{repository}')).toEqual({ problem: 'has a slash in `repository`' });
  expect(fill('spiffe://ci.example/gh/{owner}')).toEqual({ problem: 'lacks the text of `owner`' });
});

const odd = [
  '',
  '.',
  '..',
  '../x',
  'a/../b',
  'a//b',
  '/a',
  'a/',
  '%2e%2e',
  '%2F',
  'a b',
  'ä',
  'a\\b',
  'a\0',
  'a?b',
  'a#b',
];
test.each([...odd, 'spiffe://x/y', '{x}', 'a\nb', 'a:b', 'ａ', 7, null, ['a'], { a: 1 }])(
  'a value of %j is refused',
  (value) => {
    expect(fillSpiffeTemplate(template('spiffe://ci.example/gh/{x/}'), { x: value })).toHaveProperty('problem');
    expect(fillSpiffeTemplate(template('spiffe://ci.example/gh/{x}'), { x: value })).toHaveProperty('problem');
  },
);

test.each([
  'https://ci.example/x',
  'spiffe://ci.example',
  'spiffe://ci.example/',
  'spiffe://{domain}/x',
  'spiffe://CI.example/x',
  'spiffe://ci.example/a-{x}',
  'spiffe://ci.example/{x}-{y}',
  'spiffe://ci.example/{x}{y}',
  'spiffe://ci.example/{x/}/{y/}',
  'spiffe://ci.example/{}',
  'spiffe://ci.example/{x',
  'spiffe://ci.example/x}',
  'spiffe://ci.example/a//b',
  'spiffe://ci.example/../{x}',
  'spiffe://ci.example/{x}/',
  'spiffe://ci.example/%41/{x}',
])('the template %s is refused', (text) => {
  expect(parseSpiffeTemplate(text)).toHaveProperty('problem');
});

describe('properties', () => {
  const segment = fc.stringMatching(/^[a-zA-Z0-9._-]{1,8}$/).filter((text) => text !== '.' && text !== '..');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

  test('different claims never give one id', () => {
    const both = template('spiffe://ci.example/a/{one}/{many/}/b/{two}');
    const claims = fc.record({ one: segment, many: path, two: segment });
    fc.assert(
      fc.property(claims, claims, (first, second) => {
        const [a, b] = [fillSpiffeTemplate(both, first), fillSpiffeTemplate(both, second)];
        if ('problem' in a || 'problem' in b) throw new Error('refused');
        const same = first.one === second.one && first.many === second.many && first.two === second.two;
        expect(a.id === b.id).toBe(same);
      }),
    );
  });

  test('whatever a claim says, the id is of the template’s trust domain and below its literal path', () => {
    fc.assert(
      fc.property(fc.anything(), (x) => {
        const filled = fillSpiffeTemplate(template('spiffe://ci.example/gh/{x/}'), { x });
        if (!('problem' in filled)) expect(filled.id.startsWith('spiffe://ci.example/gh/')).toBe(true);
      }),
    );
  });

  test('templates that are said not to meet do not', () => {
    const part = fc.oneof(segment, fc.constantFrom('a', 'b', '{x}', '{y}'));
    const text = fc
      .array(part, { minLength: 1, maxLength: 3 })
      .map((parts) => `spiffe://ci.example/${parts.join('/')}`);
    fc.assert(
      fc.property(text, text, segment, segment, segment, segment, (one, other, x, y, v, w) => {
        const [a, b] = [template(one), template(other)];
        if (templatesMayMeet(a, b)) return;
        expect(fillSpiffeTemplate(a, { x, y })).not.toEqual(fillSpiffeTemplate(b, { x: v, y: w }));
      }),
    );
  });
});

test.each([
  ['spiffe://a.example/x/{r}', 'spiffe://b.example/x/{r}', false],
  ['spiffe://a.example/x/{r}', 'spiffe://a.example/y/{r}', false],
  ['spiffe://a.example/x/{r}', 'spiffe://a.example/x/{r}/z', false],
  ['spiffe://a.example/x/{r}', 'spiffe://a.example/x/z', true],
  ['spiffe://a.example/x/{r/}', 'spiffe://a.example/x/y/{z}', true],
  ['spiffe://a.example/{r/}', 'spiffe://a.example/y/{z}', true],
])('%s and %s may meet: %s', (a, b, meet) => {
  expect(templatesMayMeet(template(a), template(b))).toBe(meet);
  expect(templatesMayMeet(template(b), template(a))).toBe(meet);
});

describe('claims', () => {
  const claims = { a: 'x', 'b/c': { '~d': 1 }, list: [{ e: 'f' }], '/odd': 'no' };
  test.each([
    ['a', 'x'],
    ['/a', 'x'],
    ['/b~1c/~0d', 1],
    ['/list/0/e', undefined],
    ['/list/length', undefined],
    ['/a/length', undefined],
    ['constructor', undefined],
    ['/__proto__/constructor', undefined],
    ['b.c', undefined],
  ])('%s is %j', (name, value) => expect(readClaim(claims, name)).toEqual(value));

  test.each(['', '/', '//', '/a/', '/a~', '/a~2'])('`%s` is no name of a claim', (name) => {
    expect(claimNameProblem(name)).not.toBeNull();
  });

  test.each([
    [{ is: '1' }, 1, false],
    [{ is: 1 }, '1', false],
    [{ is: true }, 'true', false],
    [{ is: 'acme' }, ['acme'], false],
    [{ is: 'acme' }, 'ACME', false],
    [{ glob: 'acme/*' }, 'acme/x', true],
    [{ glob: 'acme/*' }, 'acme/x/y', false],
    [{ glob: 'acme/*' }, 'evil/acme/x', false],
    [{ glob: '**' }, '', false],
    [{ glob: '**' }, undefined, false],
    [{ glob: '*' }, ['x'], false],
  ])('%j of %j: %s', (rule, value, holds) => expect(claimHolds(rule, value)).toBe(holds));

  test('a rule of nothing but stars narrows nothing', () => {
    expect([{ glob: '**' }, { glob: 'a*' }, { is: '' }].map(claimRuleNarrows)).toEqual([false, true, true]);
  });
});
