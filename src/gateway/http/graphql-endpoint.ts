import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { ApiOperation } from './api-target.ts';
import { readGraphql } from './graphql.ts';

/** Where GraphQL requests are posted: many operations with one request, told apart by the field that is asked for. */
export type GraphqlEndpoint = Pick<ApiOperation, 'method' | 'path' | 'query' | 'body'> & {
  /** By kind and field. */
  fields: ReadonlyMap<string, ApiOperation>;
};

/** What a target is called by: an operation with a request of its own, or an endpoint of GraphQL. */
export type ApiRoute = ApiOperation | GraphqlEndpoint;

/** @throws RangeError when two operations ask for one field, or one is without a field where others have one. */
export function routesOf(operations: readonly ApiOperation[]): ApiRoute[] {
  const routes: ApiRoute[] = operations.filter(({ graphql }) => graphql === undefined);
  const endpoints = Map.groupBy(
    operations.filter(({ graphql }) => graphql !== undefined),
    ({ path }) => path,
  );
  for (const [path, each] of endpoints) {
    const fields = new Map<string, ApiOperation>();
    for (const operation of each) {
      const key = keyOf(operation.graphql!);
      if (fields.has(key)) throw new RangeError(`\`POST ${path}\` has two operations for the ${key}`);
      fields.set(key, operation);
    }
    routes.push({ method: 'POST', path, query: [], body: 'json', fields });
  }
  return routes;
}

const keyOf = ({ kind, field }: NonNullable<ApiOperation['graphql']>) => `${kind} ${field}`;

/**
 * The operation that a request is for, and what of its arguments its body alone does not show.
 *
 * @throws InvalidRequest when it asks for more than one thing, or for one that cannot be described.
 */
export function askedOf(
  route: ApiRoute,
  body: JsonValue | undefined,
): { operation: ApiOperation; described: JsonObject } | { unknown: string } {
  if (!('fields' in route)) return { operation: route, described: {} };
  const { kind, field, arguments: args, selects, within } = readGraphql(body);
  const operation = route.fields.get(keyOf({ kind, field }));
  return operation === undefined
    ? { unknown: keyOf({ kind, field }) }
    : { operation, described: { arguments: args, selects, ...(Object.keys(within).length === 0 ? {} : { within }) } };
}
