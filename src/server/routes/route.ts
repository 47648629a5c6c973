import { createRoute, type OpenAPIHono, type RouteConfig, type z } from '@hono/zod-openapi';
import type { Asker } from '../../task/authorize.ts';
import { problemWire } from '../wire.ts';

/** What a handler of the control plane finds in its context. */
export type ControlEnv = { Variables: { asker: Asker } };
export type ControlApp = OpenAPIHono<ControlEnv>;

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemWire } },
});

/** A route of `/v1`: authenticated, decided, and with the failures that each of them can have. */
export function controlRoute<
  Path extends string,
  Schema extends z.ZodType,
  Request extends RouteConfig['request'],
  Method extends 'get' | 'post',
>(route: { method: Method; path: Path; summary: string; request?: Request; answer: Schema }) {
  return createRoute({
    method: route.method,
    path: route.path,
    summary: route.summary,
    security: [{ dpop: [] }],
    request: route.request as Request,
    responses: {
      200: { description: 'done', content: { 'application/json': { schema: route.answer } } },
      400: problem('the request is malformed'),
      401: problem('no valid token, or not for this resource, or not bound to the caller'),
      403: problem('policy does not permit it'),
      404: problem('there is none that the caller may see'),
      409: problem('it is no longer in the state that the request assumes'),
      503: problem('nothing can be recorded now, so nothing is done'),
    },
  });
}
