import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { InvalidConfig } from '../../core/errors.ts';
import { guessed } from '../guess.ts';
import { MAX_OPERATIONS } from '../imported.ts';
import { importOpenApi, type OpenApiSource } from './import.ts';

const OK = { '200': { description: 'ok' } };

function imported(document: object, options: Partial<OpenApiSource> = {}) {
  return importOpenApi({ file: 'api.json', text: JSON.stringify(document), target: 'api', ...options });
}

function document(paths: object, more: object = {}) {
  return { openapi: '3.0.3', servers: [{ url: 'https://api.example/v1/' }], paths, ...more };
}

describe('an operation on the wire', () => {
  test('has its method and path, its query and headers, and the form of its body', () => {
    const { operations, upstream } = imported(
      document({
        '/users/{user}/keys': {
          parameters: [
            { name: 'user', in: 'path', required: true, schema: { type: 'string' } },
            { name: 'dry_run', in: 'query', schema: { type: 'boolean' } },
          ],
          post: {
            operationId: 'create_key',
            parameters: [
              { name: 'X-Tenant', in: 'header' },
              { name: 'Authorization', in: 'header' },
            ],
            requestBody: { content: { 'application/json; charset=utf-8': { schema: { type: 'object' } } } },
            responses: OK,
          },
          delete: { requestBody: { content: { 'application/vnd.api+json': {} } }, responses: OK },
        },
        '/form': { post: { requestBody: { content: { 'application/x-www-form-urlencoded': {} } }, responses: OK } },
        '/upload': { put: { requestBody: { content: { 'image/png': {} } }, responses: OK } },
        '/nothing': { post: { responses: OK } },
      }),
    );
    expect(upstream).toEqual({ url: 'https://api.example/v1' });
    expect(operations.map(({ name, wire }) => [name, wire])).toEqual([
      ['create_key', { request: 'POST /users/{user}/keys', query: ['dry_run'], headers: ['X-Tenant'] }],
      ['delete_users_user_keys', { request: 'DELETE /users/{user}/keys', query: ['dry_run'], body: 'json' }],
      ['post_form', { request: 'POST /form', body: 'form' }],
      ['put_upload', { request: 'PUT /upload', body: 'raw' }],
      ['post_nothing', { request: 'POST /nothing', body: 'none' }],
    ]);
    expect(operations[3]!.notes).toEqual(['its body is `image/png`, decided by its digest alone']);
  });

  test('of OpenAPI 2.0, its body and form are parameters', () => {
    const { operations, upstream } = imported({
      swagger: '2.0',
      host: 'api.example',
      basePath: '/v2',
      schemes: ['http', 'https'],
      paths: {
        '/a': { post: { parameters: [{ in: 'body', name: 'b', schema: {} }], responses: OK } },
        '/f': { post: { parameters: [{ in: 'formData', name: 'b', type: 'string' }], responses: OK } },
        '/m': {
          post: { consumes: ['multipart/form-data'], parameters: [{ in: 'formData', name: 'b' }], responses: OK },
        },
      },
    });
    expect(upstream).toEqual({ url: 'https://api.example/v2' });
    expect(operations.map(({ wire }) => wire['body'])).toEqual([undefined, 'form', 'raw']);
  });

  test('the same in YAML', () => {
    const api = document({ '/a': { get: { operationId: 'a', responses: { 200: { description: 'ok' } } } } });
    expect(imported(api, { text: stringify(api) }).operations).toHaveLength(1);
  });

  test('no two have one name', () => {
    const get = { operationId: 'same', responses: OK };
    const { operations } = imported(document({ '/a': { get }, '/b': { get }, '/c': { get } }));
    expect(operations.map(({ name }) => name)).toEqual(['same', 'same_2', 'same_3']);
  });

  test('only what is wanted is there', () => {
    const get = { responses: OK };
    const { operations } = imported(document({ '/a': { get }, '/b': { get } }), {
      wanted: (_name, request) => request === 'GET /b',
    });
    expect(operations.map(({ name }) => name)).toEqual(['get_b']);
  });
});

describe('references', () => {
  const schemas = (key: object) => ({ components: { schemas: { Key: key }, parameters: {} } });
  const answers = (schema: object) => ({
    '/keys': {
      post: { operationId: 'makeThing', responses: { '201': { content: { 'application/json': { schema } } } } },
    },
  });

  test('lead to what stands elsewhere in the document, however often and however deep', () => {
    const key = {
      properties: {
        value: { properties: { api_key: { type: 'string' } } },
        parent: { $ref: '#/components/schemas/Key' },
        children: { items: { $ref: '#/components/schemas/Key' } },
      },
      allOf: [{ $ref: '#/components/schemas/Key' }],
    };
    const api = document(answers({ $ref: '#/components/schemas/Key' }), schemas(key));
    expect(guessed(imported(api).operations)[0]!.guess).toMatchObject({ effect: 'mint', sensitivity: 'restricted' });
  });

  test('of a path item or a parameter are followed', () => {
    const api = document(
      { '/a/{id}': { $ref: '#/x-items/a' } },
      {
        'x-items': { a: { get: { parameters: [{ $ref: '#/components/parameters/q~1r' }], responses: OK } } },
        components: { parameters: { 'q/r': { name: 'q', in: 'query' } } },
      },
    );
    expect(imported(api).operations[0]!.wire).toEqual({ request: 'GET /a/{id}', query: ['q'] });
  });

  test.each<[string, object, string]>([
    ['elsewhere', { $ref: 'other.yaml#/paths/a' }, 'refers to another document, `other.yaml#/paths/a`; bundle them'],
    ['to a server', { $ref: 'https://evil.example/x' }, 'refers to another document, `https://evil.example/x`'],
    ['to nothing', { $ref: '#/components/nothing' }, 'refers to `#/components/nothing`, which is not in it'],
    ['to themselves', { $ref: '#/paths/~1a' }, 'leads round in a circle'],
    ['into a prototype', { $ref: '#/__proto__/x' }, 'which is not in it'],
  ])('that lead %s are refused', (_where, item, message) => {
    expect(() => imported(document({ '/a': item }))).toThrow(message);
  });
});

describe('the server', () => {
  const paths = { '/a': { get: { responses: OK } } };
  const url = (servers: object[], options: Partial<OpenApiSource> = {}) =>
    imported({ openapi: '3.1.0', servers, paths }, options).upstream['url'];

  test.each<[string, object[], Partial<OpenApiSource>]>([
    [
      'https://eu.api.example/v1',
      [{ url: 'https://{region}.api.example/v1', variables: { region: { default: 'eu' } } }],
      {},
    ],
    ['https://api.example', [{ url: 'http://api.example' }, { url: 'https://api.example' }], {}],
    ['https://docs.example/api', [{ url: '/api' }], { from: 'https://docs.example/openapi.json' }],
    ['https://told.example/x', [{ url: 'https://api.example' }], { server: 'https://told.example/x/' }],
  ])('is %s', (expected, servers, options) => {
    expect(url(servers, options)).toBe(expected);
  });

  test.each([[[]], [[{ url: '/relative' }]], [[{ url: 'https://{tenant}.example' }]], [[{ url: 'file:///etc' }]]])(
    'of %j is not known',
    (servers) => {
      expect(() => url(servers)).toThrow('does not say at which URL it is served; add `--server URL`');
    },
  );
});

test('the credential is a place in the store, and what else there is is said', () => {
  const components = {
    securitySchemes: {
      key: { type: 'apiKey', in: 'header', name: 'X-Key' },
      cookie: { type: 'apiKey', in: 'cookie', name: 'sid' },
      oauth: { type: 'oauth2', flows: { clientCredentials: { tokenUrl: 'https://as.example/token' } } },
    },
  };
  const { credential } = imported(
    document({ '/a': { get: { responses: OK } } }, { components, security: [{ key: [] }] }),
  );
  expect(credential.form).toEqual({ kind: 'header', name: 'X-Key', value: { from_store: 'api' } });
  expect(credential.comments).toEqual([
    '`key`: put its secret into the store with `remit secret set api`',
    'instead, `cookie`: a key in a cookie, which is not injected',
    'instead, `oauth`: OAuth client credentials: `{ kind: oauth_client, token_url: "https://as.example/token", client_id: …, client_secret: … }`',
  ]);
});

test.each<[string, string]>([
  ['', 'expected JSON or YAML'],
  ['[1]', 'expected an object'],
  ['{', 'expected JSON or YAML'],
  ['a: [', 'expected JSON or YAML'],
  ['{"openapi":"4.0.0"}', 'expected `openapi: 3.x` or `swagger: "2.0"`, not `4.0.0`'],
  ['{"hello":1}', 'expected `openapi: 3.x`'],
  ['{"openapi":"3.1.0","servers":[{"url":"https://a.example"}]}', 'there is no operation in `paths`'],
  [
    '{"openapi":"3.1.0","servers":[{"url":"https://a.example"}],"paths":{"/a":7,"/b":{"get":[]}}}',
    'there is no operation',
  ],
])('what is no such document is refused: %s', (text, message) => {
  expect(() => imported({}, { text })).toThrow(InvalidConfig);
  expect(() => imported({}, { text })).toThrow(message);
});

test('more operations than anybody could read are refused', () => {
  const paths = Object.fromEntries(
    Array.from({ length: MAX_OPERATIONS + 1 }, (_, at) => [`/p${at}`, { get: { responses: {} } }]),
  );
  expect(() => imported(document(paths))).toThrow('has more than 20000 operations; import those that agents need');
});

test('aliases that unfold to more than any memory are read as they stand', () => {
  const levels = Array.from(
    { length: 30 },
    (_, at) => `x${at + 1}: &x${at + 1} { properties: { a: *x${at}, b: *x${at} } }`,
  );
  const text = `openapi: 3.1.0
servers: [{ url: "https://a.example" }]
x0: &x0 { type: string }
${levels.join('\n')}
paths: { /a: { post: { responses: { "200": { content: { application/json: { schema: *x30 } } } } } } }
`;
  expect(guessed(imported({}, { text }).operations)[0]!.guess.effect).toBe('write');
});
