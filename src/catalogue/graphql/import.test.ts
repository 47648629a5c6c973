import { buildSchema, getIntrospectionQuery, graphqlSync } from 'graphql';
import { expect, test } from 'vitest';
import { guessed } from '../guess.ts';
import { importGraphql } from './import.ts';

const SDL = `
type Key { id: ID! secret: String! owner: User }
type User { id: ID! name: String friends: [User!]! }
union Thing = User | Key
input NewKey { label: String, kind: Kind }
enum Kind { A B }
type Query { user(id: ID!): User  things: [Thing!]  unsubscribe(id: ID): Boolean  old: Int @deprecated }
type Mutation { createKey(input: NewKey!): Key  deleteKey(id: ID!): Boolean  user(id: ID!): User }
type Subscription { userAdded: User }
`;
const options = { file: 'schema', server: 'https://shop.example/api/graphql' };

test('each field of query and mutation is an operation, its effect by its kind and its name', () => {
  const { operations, upstream, notes } = importGraphql({ ...options, text: SDL });
  expect(upstream).toEqual({ url: 'https://shop.example/api' });
  expect(notes).toEqual(['left out: 1 subscriptions']);
  expect(
    guessed(operations).map(({ operation, guess }) => [operation.name, operation.wire['graphql'], guess.effect]),
  ).toEqual([
    ['user', { kind: 'query', field: 'user' }, 'read'],
    ['things', { kind: 'query', field: 'things' }, 'read'],
    ['unsubscribe', { kind: 'query', field: 'unsubscribe' }, 'write'],
    ['old', { kind: 'query', field: 'old' }, 'read'],
    ['createKey', { kind: 'mutation', field: 'createKey' }, 'mint'],
    ['deleteKey', { kind: 'mutation', field: 'deleteKey' }, 'delete'],
    ['mutation.user', { kind: 'mutation', field: 'user' }, 'write'],
  ]);
  expect(operations.every(({ wire }) => wire['request'] === 'POST /graphql')).toBe(true);
});

test('an answer to the introspection query is the same', () => {
  const answer = graphqlSync({ schema: buildSchema(SDL), source: getIntrospectionQuery() });
  const names = (text: string) => importGraphql({ ...options, text }).operations.map(({ name }) => name);
  expect(names(JSON.stringify(answer))).toEqual(names(SDL));
  expect(names(JSON.stringify(answer.data))).toEqual(names(SDL));
});

test.each<[string, string]>([
  ['', 'expected a GraphQL schema'],
  ['type Query {', 'expected a GraphQL schema'],
  ['type User { id: ID }', 'has no field to query or mutate'],
  ['{"data":{}}', 'expected a GraphQL schema'],
  ['{"__schema":{"types":[]}}', 'has no field to query or mutate'],
])('what is no schema is refused: %s', (text, message) => {
  expect(() => importGraphql({ ...options, text })).toThrow(message);
});

test('where it is served has to be said', () => {
  for (const server of [undefined, '/graphql', 'file:///x']) {
    expect(() => importGraphql({ file: 'schema', text: SDL, server })).toThrow('add `--server URL`');
  }
});
