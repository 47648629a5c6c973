import { expect, test } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { parseResourceTemplate, resolveResources } from './resource-template.ts';

function resolve(template: string, args: JsonObject) {
  return resolveResources([parseResourceTemplate(template)], args);
}

test.each<[string, JsonObject, string[]]>([
  ['file:{path|path}', { path: 'a/./b/../c' }, ['file:a/c']],
  ['page:{url|url}', { url: 'https://Example.com/a#b' }, ['page:https://example.com/a']],
  ['row:{table}/{key}', { table: 't', key: 7 }, ['row:t/7']],
  ['file:{paths[]|path}', { paths: ['a', './b', 'a'] }, ['file:a', 'file:b']],
  ['file:{edits[].path|path}', { edits: [{ path: 'a' }, { path: 'b' }] }, ['file:a', 'file:b']],
  ['repo:{owner.name}', { owner: { name: 'x' } }, ['repo:x']],
  ['the whole', {}, ['the whole']],
])('%s of %j', (template, args, resources) => {
  expect(resolve(template, args)).toEqual({ resources });
});

test.each<[string, JsonObject]>([
  ['file:{path|path}', {}],
  ['file:{path|path}', { path: '../up' }],
  ['file:{path|path}', { path: '~/x' }],
  ['file:{path|path}', { path: ['a'] }],
  ['file:{path}', { path: null }],
  ['file:{path}', { path: true }],
  ['file:{path}', { path: 'a\nb' }],
  ['file:{path}', { path: 'a\u0085b' }],
  ['page:{url|url}', { url: 'https://user:pw@example.com' }],
  ['file:{paths[]|path}', { paths: [] }],
  ['file:{paths[]|path}', { paths: 'a' }],
  ['file:{paths[]|path}', { paths: ['a', '../b'] }],
  ['{constructor}', {}],
  ['file:{path}', { path: 'a'.repeat(8_193) }],
  ['{a[]}{b[]}', { a: Array(1_000).fill('x'), b: Array(1_000).fill('y') }],
  ['{a[]}{b[]}', { a: Array(40).fill('x'), b: Array(40).fill('y') }],
])('%s of %j cannot be told', (template, args) => {
  expect(resolve(template, args)).toEqual({ problem: expect.any(String) as string });
});

test.each([
  'file:{path',
  'file:path}',
  'file:{}',
  'file:{path|lower}',
  'file:{path|path|url}',
  'file:{a b}',
  'x:{a[0]}',
])('`%s` is no template', (template) => {
  expect(() => parseResourceTemplate(template)).toThrow(RangeError);
});
