import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { JsonObject } from '../core/json.ts';
import { importGraphql } from './graphql/import.ts';
import { guessed, type Guessed } from './guess.ts';
import type { ImportedTarget } from './imported.ts';
import { importMcp } from './mcp/import.ts';
import { importOpenApi } from './openapi/import.ts';
import { targetText } from './target-text.ts';

const KEY = {
  properties: { id: { type: 'string' }, secret: { type: 'string' }, expires_at: { type: 'string' } },
};
const answers = (schema: object) => ({ '201': { content: { 'application/json': { schema } } } });
const API = {
  openapi: '3.1.0',
  servers: [{ url: 'https://api.example' }],
  paths: {
    '/users/{user}/keys': { post: { operationId: 'create_key', responses: answers(KEY) } },
    '/users/{user}/keys/{key}': { delete: { operationId: 'delete_key', responses: {} } },
    '/sessions': {
      post: { operationId: 'create_session', responses: answers({ properties: { token: {}, sid: {} } }) },
    },
    '/codes': { post: { operationId: 'create_recovery_code', responses: {} } },
    '/zap': { post: { operationId: 'zap', responses: {} } },
  },
};

function written(
  accept: (each: Guessed) => boolean,
  api: object = API,
): { text: string; operations: Record<string, JsonObject> } {
  const target = importOpenApi({ file: 'api.json', text: JSON.stringify(api), target: 'api' });
  const operations = guessed(target.operations);
  for (const each of operations) if (accept(each)) each.accepted = each.guess;
  const text = targetText({ name: 'api', source: 'api.json', target, operations });
  return { text, operations: parse(text).operations };
}

test('what nobody has accepted has a guess and no effect', () => {
  const { operations } = written(({ operation }) => operation.name === 'delete_key');
  expect(operations['delete_key']).toMatchObject({ effect: 'delete' });
  for (const name of ['create_key', 'create_session', 'zap']) {
    expect(operations[name]).toHaveProperty('guess');
    expect(operations[name]).not.toHaveProperty('effect');
    expect(operations[name]).not.toHaveProperty('mints');
  }
});

describe('what mints says', () => {
  test('where secret, id and end are, and that the DELETE of one takes it back', () => {
    expect(written(() => true).operations['create_key']).toEqual({
      request: 'POST /users/{user}/keys',
      body: 'none',
      effect: 'mint',
      sensitivity: 'restricted',
      mints: {
        kind: 'secret',
        value: '/secret',
        id: '/id',
        lifetime: '/expires_at',
        revoke: { operation: 'delete_key', arguments: { path: { user: '{/path/user}', key: '{id}' } } },
      },
    });
  });

  test('that it is taken back by hand, where nothing that was accepted does it', () => {
    const { operations } = written(({ operation }) => operation.name !== 'delete_key');
    expect(operations['create_key']!['mints']).toMatchObject({ revoke: { manual: expect.any(String) } });
    expect(operations['create_session']!['mints']).toMatchObject({ kind: 'session', value: '/token', id: '/sid' });
  });

  test('what is missing, where the answer does not say it', () => {
    const { text, operations } = written(() => true);
    expect(operations['create_recovery_code']).not.toHaveProperty('mints');
    expect(text).toContain('# mints: its answer has no schema: say where the secret and its id are');
  });
});

describe('what takes it back', () => {
  test('is a mutation that deletes the same', () => {
    const sdl = `type Key { id: ID! secret: String! }
      type Query { key(id: ID!): Key }
      type Mutation { createApiKey(label: String): Key  deleteApiKey(key: ID!): Key  deleteUser(id: ID!): Boolean }`;
    const target = importGraphql({ file: 'schema', text: sdl, server: 'https://shop.example/graphql' });
    expect(mintsOf(target, 'createApiKey')).toEqual({
      kind: 'secret',
      value: '/data/createApiKey/secret',
      id: '/data/createApiKey/id',
      revoke: {
        operation: 'deleteApiKey',
        arguments: {
          body: { query: 'mutation($id: ID!) { deleteApiKey(key: $id) { __typename } }', variables: { id: '{id}' } },
        },
      },
    });
  });

  test('is a tool that deletes the same, told by one argument which', () => {
    const outputSchema = { properties: { key: { properties: { id: {}, token: {} } } } };
    const inputSchema = { properties: { id: {} }, required: ['id'] };
    const tools = [
      { name: 'create_access_key', outputSchema },
      { name: 'delete_user', inputSchema },
      { name: 'revoke_access_keys', inputSchema: { ...inputSchema, required: ['id', 'why'] } },
      { name: 'delete_access_key', inputSchema },
    ];
    const target = importMcp({ from: 'keys', tools, upstream: { http: { url: 'https://keys.example/mcp' } } });
    expect(mintsOf(target, 'create_access_key')).toEqual({
      kind: 'secret',
      value: '/key/token',
      id: '/key/id',
      revoke: { operation: 'delete_access_key', arguments: { id: '{id}' } },
    });
  });
});

function mintsOf(target: ImportedTarget, name: string): unknown {
  const operations = guessed(target.operations);
  for (const each of operations) each.accepted = each.guess;
  const text = targetText({ name: 'api', source: 'it', target, operations });
  return (parse(text) as { operations: Record<string, JsonObject> }).operations[name]?.['mints'];
}

test('whatever a document calls things, the file says that and nothing else', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const nasty = fc.constantFrom(
    'a\nsensitivity: public',
    '# x',
    '{a: b}',
    '*a',
    '&a',
    'null',
    '2.0',
    '\u2028effect: read',
    '- x',
  );
  fc.assert(
    fc.property(fc.oneof(text, nasty), fc.oneof(text, nasty), (id, summary) => {
      const get = { operationId: id, summary, responses: {}, parameters: [{ in: 'query', name: summary }] };
      const api = { ...API, paths: { '/a': { get } } };
      const read = parse(written(() => false, api).text);
      expect(Object.keys(read).toSorted()).toEqual(['name', 'operations', 'protocol', 'sensitivity', 'upstream']);
      const [operation] = Object.values<JsonObject>(read.operations);
      expect(Object.keys(operation!).toSorted()).toEqual(
        ['guess', ...(summary === '' ? [] : ['query']), 'request', 'sensitivity'].toSorted(),
      );
      expect(operation!['query']).toEqual(summary === '' ? undefined : [summary]);
    }),
    { numRuns: 200 },
  );
});
