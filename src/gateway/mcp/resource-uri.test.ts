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
])('`%s` is refused', (uri) => {
  expect(uriProblem(uri)).toEqual(expect.any(String));
});
