import { z } from 'zod';
import type { Protocol } from '../core/target-resource.ts';

/** How an operation of an HTTP target looks on the wire. */
export type HttpOperation = {
  /** Upper case. */
  method: string;
  /** Path template below the URL of the upstream: `/users/{user}/keys`, `/files/{+path}` for the rest of a path. */
  path: string;
  /** Query parameters that may be sent, each at most once; a request with another is refused. */
  query: readonly string[];
  /** Request headers that are arguments, in lower case. */
  headers: readonly string[];
  body: BodyForm;
  /** Of GraphQL: the field that is asked for. Operations for other fields have the same request. */
  graphql?: { kind: 'query' | 'mutation'; field: string };
};

/**
 * What the body of a request has to be. `json` and `form` are arguments; of a `raw` one its digest is. A `stream` is passed
 * on unread, so that nobody who decides or approves knows what is in it. Of a `websocket` the handshake is decided.
 */
export const BODY_FORMS = ['json', 'form', 'none', 'raw', 'stream', 'websocket'] as const;
export type BodyForm = (typeof BODY_FORMS)[number];

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'] as const;
const WITHOUT_BODY: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** Headers that frame a message, say who is calling or where it goes: never an argument. */
const NOT_ARGUMENTS =
  /^(?:host|content-(?:length|type|encoding)|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|authorization|dpop|cookie|forwarded|via|accept-encoding|x-http-method(?:-override)?|x-method-override|x-original-ur[il]|x-rewrite-url|(?:proxy|sec|x-forwarded)-.*)$/;

const requestForm = z
  .string()
  .regex(
    /^[A-Z]+ \/\S*$/,
    'expected a method and the template of a path below the URL of the upstream, such as `POST /users/{user}/keys`',
  )
  .refine(
    (text) => METHODS.some((method) => text.startsWith(`${method} `)),
    `expected one of the methods ${METHODS.join(', ')}`,
  );

const headerForm = z
  .string()
  .regex(/^[A-Za-z0-9-]+$/, 'expected the name of a header')
  .transform((name) => name.toLowerCase())
  .refine(
    (name) => !NOT_ARGUMENTS.test(name),
    'expected a header that says neither who calls nor how to read a message',
  );

/** What the form of an operation has besides, at an HTTP target. */
export const httpOperationFields = {
  request: requestForm.optional(),
  query: z.array(z.string().min(1)).optional(),
  headers: z.array(headerForm).optional(),
  body: z.enum(BODY_FORMS).optional(),
  graphql: z
    .strictObject({
      kind: z.enum(['query', 'mutation']),
      field: z.string().regex(/^[_A-Za-z][_0-9A-Za-z]*$/, 'expected the name of a field'),
    })
    .optional(),
};

type Fields = {
  request?: string | undefined;
  query?: string[] | undefined;
  headers?: string[] | undefined;
  body?: BodyForm | undefined;
  graphql?: HttpOperation['graphql'] | undefined;
  effect?: string | undefined;
};

/** What is wrong with an operation's part on the wire, for a target of the protocol. */
export function httpOperationProblem(fields: Fields, protocol: Protocol): string | null {
  const { request, query, headers, body, graphql } = fields;
  if (protocol === 'http') {
    if (request === undefined) return 'expected `request`, as each operation over HTTP has';
    if (body === 'websocket') return websocketProblem(fields, request);
    return graphql === undefined ? null : graphqlProblem(fields, request);
  }
  const given = { request, query, headers, body, graphql };
  const extra = Object.entries(given).find(([, value]) => value !== undefined)?.[0];
  return extra === undefined ? null : `\`${extra}\` is for a target with \`protocol: http\``;
}

/** RFC 6455, section 4.1. What passes through it is not read, so nothing in it could be caught. */
function websocketProblem({ effect }: Fields, request: string): string | null {
  if (!request.startsWith('GET ')) return 'expected `GET`, as a WebSocket begins with';
  return effect === 'mint' ? 'a WebSocket is not read, so what it mints could not be caught' : null;
}

/** All operations of an endpoint come by one request, which says nothing of what is asked for. */
function graphqlProblem({ query, body }: Fields, request: string): string | null {
  if (!request.startsWith('POST ') || request.includes('{')) {
    return 'expected `POST` and a path without parameters, as GraphQL is asked';
  }
  if (query !== undefined || (body !== undefined && body !== 'json')) {
    return 'a GraphQL request has a JSON body, and nothing in its query';
  }
  return null;
}

/** @throws Error when the form has no `request`: `httpOperationProblem` says so first. */
export function httpOperationOf({ request, query, headers, body, graphql }: Fields): HttpOperation {
  if (request === undefined) throw new Error('an operation over HTTP has no request');
  const [method = '', path = ''] = request.split(' ');
  return {
    method,
    path,
    query: query ?? [],
    headers: headers ?? [],
    body: body ?? (WITHOUT_BODY.has(method) ? 'none' : 'json'),
    ...(graphql === undefined ? {} : { graphql }),
  };
}
