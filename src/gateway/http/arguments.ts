import type { HttpOperation } from '../../config/http-operation.ts';
import type { JsonObject } from '../../core/json.ts';

/**
 * JSON Schema of the arguments of an operation over HTTP: by place, so that no two places are ever mixed up. Path, query and
 * headers are texts, as they are on the wire.
 */
export function httpArguments({ path, query, headers, body, graphql }: HttpOperation): JsonObject {
  const parameters = [...path.matchAll(/\{\+?([^{}]+)\}/g)].map(([, name]) => name ?? '');
  const shape = bodySchema(body);
  return {
    type: 'object',
    properties: {
      path: textsSchema(parameters, parameters),
      query: textsSchema(query, []),
      headers: textsSchema(headers, []),
      ...(shape === null ? {} : { body: shape }),
      ...(graphql === undefined ? {} : GRAPHQL),
    },
    required: ['path', 'query', 'headers'],
    additionalProperties: false,
  };
}

/** What graphql.ts reads out of the body. Which arguments a field has, nobody has said. */
const GRAPHQL: JsonObject = {
  arguments: { type: 'object' },
  selects: { type: 'array', items: { type: 'string' } },
  within: { type: 'object' },
};

function textsSchema(names: readonly string[], required: readonly string[]): JsonObject {
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    required: [...required],
    additionalProperties: false,
  };
}

/** As `read-body.ts` describes it. What a JSON body holds, and which fields a form has, nobody has said. */
function bodySchema(form: HttpOperation['body']): JsonObject | null {
  switch (form) {
    case 'none':
    case 'websocket':
      return null;
    case 'json':
      return {};
    case 'form':
      return { type: 'object', additionalProperties: { type: 'string' } };
    case 'raw':
      return objectOf({ type: { type: 'string' }, bytes: { type: 'integer' }, sha256: { type: 'string' } });
    case 'stream':
      return objectOf({
        type: { type: 'string' },
        bytes: { type: ['integer', 'null'] },
        unread: { type: 'boolean' },
      });
  }
}

function objectOf(properties: JsonObject): JsonObject {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}
