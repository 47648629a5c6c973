import { expect, test } from 'vitest';
import { uriProblem } from './resource-uri.ts';

test.each(['file:///a/b.txt', 'test://template/1/data', 'doc:a/..b', 'note://x?y=a%20b', 'urn:x:y', 'a%25zz'])(
  '`%s` can be decided on',
  (uri) => {
    expect(uriProblem(uri)).toBeNull();
  },
);

test.each([
  'file:///a/../b',
  'file:///a/%2e%2E/b',
  'file:///a/%252e%252e/b',
  'doc:../b',
  'file:///a/..%2fb',
  'file:///a/./b',
  'file:///a\\..\\b',
  'file:///a\u0000b',
  'file:///%zz',
  'file:///a/%c0%ae%c0%ae/b',
  // Of what is decoded twice, a part that cannot be says nothing of the rest.
  'file:///a/%252e%252e/b?x=%25zz',
  'file:///a/%252e%252e/%25ff',
  `file:///${'a'.repeat(8_192)}`,
])('`%s` is refused', (uri) => {
  expect(uriProblem(uri)).toEqual(expect.any(String));
});
