import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTargetFile } from './target-file.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'remit-target-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const READ = { effect: 'read', evaluation: { action: 'read', resource: 'record' } };

function parsed(change: object) {
  const file = join(folder, 'records.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      name: 'records',
      protocol: 'authzen',
      sensitivity: 'internal',
      operations: { read: READ },
      ...change,
    }),
  );
  return readTargetFile(file, folder);
}

test('a target that carries out by itself what is permitted', () => {
  const { kind, upstream, operations } = parsed({});
  expect([kind, upstream]).toEqual(['authzen', { kind: 'none' }]);
  expect(operations['read']!.evaluation).toEqual({
    action: 'read',
    resource: 'record',
    properties: {},
    actionProperties: {},
    context: {},
  });
});

test.each<[string, object, RegExp]>([
  [
    'an upstream',
    { upstream: { url: 'https://a.example' } },
    /sends nothing to a target of `authzen`; remove `upstream`/,
  ],
  ['an attribution', { attribution: true }, /remove `attribution`/],
  ['an operation that nothing asks for', { operations: { read: { effect: 'read' } } }, /expected `evaluation`/],
  [
    'who wrote what is not seen',
    { operations: { read: { ...READ, labels: { author: '/from' } } } },
    /do not pass Remit/,
  ],
  [
    'how sensitive what is not seen is',
    { operations: { read: { ...READ, labels: { sensitivity: [{ pattern: 'x', is: 'restricted' }] } } } },
    /do not pass Remit/,
  ],
  ['what mints', { operations: { make: { ...READ, effect: 'mint' } } }, /could not be caught/],
  [
    'a request',
    { operations: { read: { ...READ, request: 'GET /' } } },
    /`request` is for a target with `protocol: http`/,
  ],
  [
    'two that are asked for alike',
    { operations: { read: READ, look: READ } },
    /`read` and `look` are asked for by the same/,
  ],
  [
    'a question without a type',
    { operations: { read: { effect: 'read', evaluation: { action: 'read' } } } },
    /resource/,
  ],
  [
    'a question at another protocol',
    { protocol: 'mcp', upstream: { http: { url: 'https://a.example' } } },
    /`evaluation` is for a target with/,
  ],
  ['another protocol without an upstream', { protocol: 'mcp', operations: {} }, /expected `stdio` or `http`/],
])('%s is refused', (_what, change, message) => {
  expect(() => parsed(change)).toThrow(message);
});
