import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesPattern, normalisePath, normaliseUrl } from './resource.ts';

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
])('url %s becomes %j', (url, expected) => {
  expect(normaliseUrl(url)).toBe(expected);
});
