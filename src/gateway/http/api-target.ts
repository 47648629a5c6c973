import type { OperationConfig, TargetConfig } from '../../config/config.ts';
import type { HttpOperation } from '../../config/http-operation.ts';
import { InvalidConfig } from '../../core/errors.ts';
import { parseResourceTemplate, type ResourceTemplate } from '../resource-template.ts';
import { routesOf, type ApiRoute } from './graphql-endpoint.ts';
import { createRouteTable, type RouteTable } from './route-table.ts';

/** An operation of an HTTP target, its templates parsed. */
export type ApiOperation = HttpOperation & { name: string; config: OperationConfig; resources: ResourceTemplate[] };

/** An HTTP target as its gateway uses it, put together once. */
export type ApiTarget = {
  name: string;
  config: TargetConfig;
  /** Of the upstream: `https://billing.example.com`. */
  origin: string;
  /** Of the upstream, without a trailing slash: `/api`, or empty. */
  basePath: string;
  routes: RouteTable<ApiRoute>;
  operations: ReadonlyMap<string, ApiOperation>;
};

/** @throws InvalidConfig naming target and operation. */
export function openApiTarget(config: TargetConfig): ApiTarget {
  const { name, upstream } = config;
  if (upstream.kind !== 'http') throw new InvalidConfig(`target \`${name}\`: an HTTP target has a URL`);
  const { origin, pathname } = new URL(upstream.url);
  const operations = Object.entries(config.operations).map(([operation, each]): ApiOperation => {
    if (each.http === undefined)
      throw new InvalidConfig(`target \`${name}\`, operation \`${operation}\`: \`request\` is missing`);
    const resources = inConfig(`target \`${name}\`, operation \`${operation}\`, \`resources\``, () =>
      (each.resources ?? []).map(parseResourceTemplate),
    );
    return { ...each.http, name: operation, config: each, resources };
  });
  const byName = new Map(operations.map((operation) => [operation.name, operation]));
  const routes = inConfig(`target \`${name}\`, \`request\``, () => createRouteTable(routesOf(operations)));
  return { name, config, origin, basePath: pathname === '/' ? '' : pathname, routes, operations: byName };
}

function inConfig<Parsed>(where: string, parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new InvalidConfig(`${where}: ${cause.message}`, { cause });
  }
}
