import {
  buildClientSchema,
  buildSchema,
  type GraphQLField,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import { InvalidConfig } from '../../core/errors.ts';
import { isJsonObject } from '../../core/json.ts';
import { MAX_OPERATIONS, type ImportedOperation, type ImportedTarget } from '../imported.ts';
import { readDocument } from '../openapi/read-document.ts';
import { answerSchema, argumentSchema, schemaAtOf } from './json-schema.ts';

export type GraphqlSource = {
  file: string;
  /** A schema in SDL, or the answer to the introspection query. */
  text: string;
  /** The URL to which requests are posted. */
  server: string | undefined;
  wanted?: (name: string, request: string) => boolean;
};

/**
 * A GraphQL schema as a target: an operation for each field of the query and the mutation type. Subscriptions are left out.
 *
 * @throws InvalidConfig with what is wrong and what to do.
 */
export function importGraphql({ file, text, server, wanted = () => true }: GraphqlSource): ImportedTarget {
  if (server === undefined || !URL.canParse(server) || !/^https?:/.test(server)) {
    throw new InvalidConfig(`${file}: a schema does not say where it is served; add \`--server URL\``);
  }
  const schema = read(file, text);
  const { origin, pathname } = new URL(server);
  const at = pathname.lastIndexOf('/');
  const request = `POST ${pathname.slice(at)}`;
  const operations = [...fieldsOf(schema, 'query', request, wanted), ...fieldsOf(schema, 'mutation', request, wanted)];
  if (operations.length === 0) throw new InvalidConfig(`${file}: has no field to query or mutate that was asked for`);
  if (operations.length > MAX_OPERATIONS) {
    throw new InvalidConfig(
      `${file}: has more than ${MAX_OPERATIONS} operations; import those that agents need with \`--only\``,
    );
  }
  const names = new Set<string>();
  for (const operation of operations) {
    // A mutation may be called as a query is: a policy about one would be about both.
    if (names.has(operation.name)) operation.name = `mutation.${operation.name}`;
    names.add(operation.name);
  }
  const subscriptions = Object.keys(schema.getSubscriptionType()?.getFields() ?? {}).length;
  return {
    protocol: 'http',
    upstream: { url: `${origin}${pathname.slice(0, at)}` },
    credential: {
      form: undefined,
      comments: ['a schema names no way to authenticate; say how in `credential`, if there is one'],
    },
    operations,
    notes: subscriptions > 0 ? [`left out: ${subscriptions} subscriptions`] : [],
  };
}

function read(file: string, text: string): GraphQLSchema {
  try {
    if (!/^\s*\{/.test(text)) return buildSchema(text, { assumeValidSDL: true });
    const answer = readDocument(file, text);
    const data = isJsonObject(answer['data']) ? answer['data'] : answer;
    // What is no such answer is refused by what reads it.
    return buildClientSchema(data as unknown as IntrospectionQuery, { assumeValid: true });
  } catch (cause) {
    if (cause instanceof InvalidConfig) throw cause;
    const why = cause instanceof Error ? cause.message.split('\n')[0]! : 'it cannot be parsed';
    throw new InvalidConfig(
      `${file}: expected a GraphQL schema (SDL), or an answer to the introspection query: ${why}`,
      { cause },
    );
  }
}

function fieldsOf(
  schema: GraphQLSchema,
  kind: 'query' | 'mutation',
  request: string,
  wanted: (name: string, request: string) => boolean,
): ImportedOperation[] {
  const type = kind === 'query' ? schema.getQueryType() : schema.getMutationType();
  const fields = Object.values(type?.getFields() ?? {});
  const schemaAt = schemaAtOf(schema);
  return fields
    .filter(({ name }) => wanted(name, `${kind} ${name}`))
    .map((field) => ({
      name: field.name,
      described: {
        name: field.name,
        method: kind.toUpperCase(),
        description: field.description ?? undefined,
        inputSchema: argumentSchema(field),
        outputSchema: answerSchema(field),
        schemaAt,
      },
      wire: { request, graphql: { kind, field: field.name } },
      notes: notesOf(field),
    }));
}

function notesOf({ deprecationReason }: GraphQLField<unknown, unknown>): string[] {
  return deprecationReason === undefined || deprecationReason === null ? [] : ['deprecated'];
}
