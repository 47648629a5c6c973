import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidRequest } from '../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { readGraphql } from './graphql.ts';

const read = (query: string, more: JsonObject = {}) => readGraphql({ query, ...more });

describe('a request is the one field that it asks for', () => {
  test.each<[string, JsonObject, object]>([
    ['{ user(id: 1) { id } }', {}, { kind: 'query', field: 'user', arguments: { id: 1 }, selects: ['id'] }],
    ['mutation { logout }', {}, { kind: 'mutation', field: 'logout', arguments: {}, selects: [] }],
    ['mutation M { harmless: deleteUser(id: "7") { id } }', { operationName: 'M' }, { field: 'deleteUser' }],
    ['query { ...F } fragment F on Query { ... on Query { user { id } } }', {}, { field: 'user', selects: ['id'] }],
    ['{ __typename user { id } }', {}, { field: 'user' }],
    ['{ __schema { types { name } } }', {}, { field: '__schema', selects: ['types.name'] }],
  ])('%s', (query, more, expected) => {
    expect(read(query, more)).toMatchObject(expected);
  });

  test('its arguments have their variables filled in', () => {
    const query = `query Q($id: ID!, $n: Int = 5, $kind: Kind = OPEN, $no: String, $nil: Int = 1) {
      find(id: $id, where: { n: $n, kind: $kind, none: $no, list: [$id, 2.5, true, null] }, nil: $nil, no: $no) { id }
    }`;
    expect(read(query, { variables: { id: 'a', nil: null } }).arguments).toEqual({
      id: 'a',
      where: { n: 5, kind: 'OPEN', list: ['a', 2.5, true, null] },
      nil: null,
    });
  });

  test('what is asked of its answer is said, whatever it is called there', () => {
    const query = `{ user { a: id owner { ...Secrets } ... on Admin { keys @include(if: true) { id } } } }
      fragment Secrets on User { token owner { name } }`;
    expect(read(query).selects).toEqual(['id', 'keys.id', 'owner.owner.name', 'owner.token']);
  });
});

test('what fields of the answer are asked with is said: a harmless field can lead anywhere', () => {
  const query = `query Q($name: String = "secret") {
    viewer { a: repository(owner: "us", name: "docs") { id } ...F repos(first: 2) { file(path: $name) { text } } }
  } fragment F on User { repository(owner: "us", name: $name) { id } }`;
  expect(read(query)).toMatchObject({
    field: 'viewer',
    arguments: {},
    within: {
      repository: [
        { owner: 'us', name: 'docs' },
        { owner: 'us', name: 'secret' },
      ],
      repos: [{ first: 2 }],
      'repos.file': [{ path: 'secret' }],
    },
  });
});

describe('what could be read in two ways, or is decided elsewhere, is refused', () => {
  const doubling = Array.from({ length: 20 }, (_, at) => `fragment F${at} on T { ...F${at + 1} ...F${at + 1} }`).join(
    ' ',
  );
  test.each<[string, JsonValue]>([
    ['several fields', { query: '{ user { id } secrets { id } }' }],
    ['several fields by a fragment', { query: '{ user { id } ...F } fragment F on Query { secrets { id } }' }],
    ['several operations', { query: 'query A { a } mutation B { b }', operationName: 'A' }],
    ['another operation', { query: 'query A { a }', operationName: 'B' }],
    ['a subscription', { query: 'subscription { a }' }],
    ['a definition of a type', { query: '{ a } type X { a: Int }' }],
    ['nothing', { query: '' }],
    ['no field', { query: '{ __typename }' }],
    ['a batch', [{ query: '{ a }' }]],
    ['a text', '{ a }'],
    ['a stored query', { extensions: { persistedQuery: { sha256Hash: 'x' } } }],
    ['a stored query beside a text', { query: '{ a }', extensions: { persistedQuery: {} } }],
    ['a stored query by its id', { query: '{ a }', documentId: 'x' }],
    ['a directive on the field', { query: 'query Q($x: Boolean!) { a @skip(if: $x) }', variables: { x: true } }],
    ['a directive on the operation', { query: 'query @cached { a }' }],
    ['a directive on a fragment', { query: '{ ...F @include(if: true) } fragment F on Query { a }' }],
    ['a directive on the definition of a fragment', { query: '{ ...F } fragment F on Query @x { a }' }],
    ['a directive that is not known', { query: '{ a { b @export(as: "x") } }' }],
    ['a fragment that is not there', { query: '{ ...F }' }],
    ['a fragment that is there twice', { query: '{ ...F } fragment F on Q { a } fragment F on Q { b }' }],
    ['a fragment within itself', { query: '{ ...F } fragment F on Query { ...F }' }],
    ['fragments that double', { query: `{ a { ...F0 } } ${doubling} fragment F20 on T { x }` }],
    ['fragments that double, of the query type', { query: `{ ...F0 } ${doubling} fragment F20 on T { __typename }` }],
    ['a variable that is not declared', { query: '{ a(x: $y) }' }],
    ['a variable that nobody asked for', { query: '{ a }', variables: { x: 1 } }],
    ['a variable that is declared twice', { query: 'query Q($x: Int, $x: String) { a(x: $x) }', variables: { x: 1 } }],
    ['variables that are none', { query: '{ a }', variables: [1] }],
    ['an argument twice', { query: '{ a(x: 1, x: 2) }' }],
    ['an argument of a field of the answer twice', { query: '{ a { b(x: 1, x: 2) } }' }],
    ['a member twice', { query: '{ a(x: { y: 1, y: 2 }) }' }],
    ['a reserved name', { query: '{ a(__proto__: 1) }' }],
    ['a number that is rounded', { query: '{ a(x: 9007199254740993) }' }],
    ['a number that is none', { query: '{ a(x: 1e999) }' }],
    ['too many words', { query: `{ a ${'b '.repeat(6_000)} }` }],
    ['too deep', { query: `{${' a {'.repeat(2_400)} b ${'}'.repeat(2_401)}` }],
    ['too long', { query: `{ a } #${'x'.repeat(100_000)}` }],
  ])('%s', (_what, body) => {
    expect(() => readGraphql(body)).toThrow(InvalidRequest);
  });
});

test('a body that is anything is read or refused, and nothing else', () => {
  const words = fc.constantFrom(
    '{',
    '}',
    'query',
    'mutation',
    'a',
    '...',
    'on',
    '$x',
    ':',
    '(',
    ')',
    '@skip',
    '"',
    '[',
    '1',
    'fragment F',
  );
  const query = fc.array(words, { maxLength: 20 }).map((list) => list.join(' '));
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.record({ query })), (body) => {
      try {
        readGraphql(body as JsonValue);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidRequest);
      }
    }),
    { numRuns: 300 },
  );
});
