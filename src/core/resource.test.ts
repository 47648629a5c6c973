import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesPattern, normalisePath, normaliseUrl, patternWithin } from './resource.ts';

test.each([
  ['file:notes/**', 'file:notes/a/b.md', true],
  ['file:notes/**', 'file:notes', false],
  ['file:notes/*', 'file:notes/a.md', true],
  ['file:notes/*', 'file:notes/a/b.md', false],
  ['file:*.md', 'file:x.md', true],
  ['file:Notes', 'file:notes', false],
  ['**', '', true],
  ['a.c', 'abc', false],
  ['***', 'a/b', true],
])('pattern %s on %s: %s', (pattern, name, expected) => {
  expect(matchesPattern(pattern, name)).toBe(expected);
});

test('patterns agree with the naive regular expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const naive = pattern.replaceAll('**', '\u0001').replaceAll('*', '[^/]*').replaceAll('\u0001', '.*');
      expect(matchesPattern(pattern, name)).toBe(new RegExp(`^(?:${naive})$`, 's').test(name));
    }),
  );
});

test('many wildcards cost time in proportion, not exponentially', () => {
  expect(matchesPattern('*a'.repeat(60), 'a'.repeat(5_000) + 'b')).toBe(false);
});

test.each([
  ['notes/a.md', 'notes/a.md'],
  ['./notes//a.md/', 'notes/a.md'],
  ['notes/../private/x', 'private/x'],
  ['/abs/x', '/abs/x'],
  ['.', '.'],
  ['cafe\u0301', 'caf\u00e9'],
  ['../x', null],
  ['a/../../x', null],
  ['/..', null],
  ['~/x', null],
  ['a\\..\\b', null],
  ['a\u0000b', null],
  ['', null],
])('path %j becomes %j', (path, expected) => {
  expect(normalisePath(path)).toBe(expected);
});

test('no normalised path leaves the root', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '/', '.', '~') }), (path) => {
      expect(normalisePath(path)?.split('/') ?? []).not.toContain('..');
    }),
  );
});

test.each([
  ['https://API.example.test:443/a/../b?q=1#f', 'https://api.example.test/b?q=1'],
  ['https://user:pw@example.test/', null],
  ['no url', null],
  ['https://good.test\\@evil.test/', null],
  ['https:\\\\good.test', null],
  ['https:/good.test', null],
  ['https:good.test', null],
  ['https:///good.test', null],
  ['https://good.test/ a', null],
  ['https://good.test/public/%2e%2e/secret', null],
  ['https://good.test/public/..%2fsecret', null],
  ['https://good.test/public/..%255csecret', null],
  ['https://good.test/group%2Fname?u=..%2fx', 'https://good.test/group%2Fname?u=..%2fx'],
  ['https://b\u00fccher.test/', 'https://xn--bcher-kva.test/'],
  ['urn:isbn:1', 'urn:isbn:1'],
])('url %s becomes %j', (url, expected) => {
  expect(normaliseUrl(url)).toBe(expected);
});

test.each([
  ['file:notes/a.md', 'file:notes/**', true],
  ['file:notes/*', 'file:notes/**', true],
  ['file:notes/**', 'file:notes/*', false],
  ['file:notes/**', 'file:notes/**', true],
  ['file:**', 'file:notes/**', false],
  ['file:notes/*/b', 'file:notes/*/*', true],
  ['x**y', 'x*/*y', false],
  ['x**', 'x/*', false],
  ['a*c', 'a*', true],
  ['', '**', true],
  ['**', '', false],
])('all of `%s` is within `%s`: %s', (inner, outer, expected) => {
  expect(patternWithin(inner, outer)).toBe(expected);
});

test('what a pattern within another matches, the other matches', () => {
  let within = 0;
  const text = fc.string({ unit: fc.constantFrom('a', '/', '*', '**'), maxLength: 5 });
  const name = fc.string({ unit: fc.constantFrom('a', '/'), maxLength: 6 });
  fc.assert(
    fc.property(text, text, fc.array(name, { minLength: 5, maxLength: 20 }), (inner, outer, names) => {
      expect(patternWithin(inner, inner)).toBe(true);
      if (!patternWithin(inner, outer)) return;
      within += 1;
      for (const one of names) if (matchesPattern(inner, one)) expect(matchesPattern(outer, one)).toBe(true);
    }),
    { numRuns: 5_000 },
  );
  // Otherwise nothing was tested.
  expect(within).toBeGreaterThan(200);
});

test('of a name alone, to be within is to match', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 });
  fc.assert(fc.property(name, text, (one, outer) => patternWithin(one, outer) === matchesPattern(outer, one)));
});
