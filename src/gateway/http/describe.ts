import type { Action } from '../../core/action.ts';
import { InvalidRequest } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { resolveResources } from '../resource-template.ts';
import type { ApiTarget } from './api-target.ts';
import { askedOf } from './graphql-endpoint.ts';
import type { HttpParts } from './parts.ts';
import { readQuery } from './query.ts';
import { readRequestBody } from './read-body.ts';
import { checkHeaders, selectHeaders, type Framing } from './request-headers.ts';
import { checkHandshake } from './websocket.ts';
import { segmentsOf } from './request-target.ts';
import type { HttpRequest, HttpStep } from './request.ts';

/** Of a request that is no operation: what stands in its record in place of a name. */
const MAX_NAME = 256;

/**
 * Step 2: the request as an action. What could be read in two ways is refused before anything is decided; what is no
 * operation of the target is decided all the same, and so denied and recorded. What is sent later is put together here, from
 * the very bytes that were described.
 */
export function describeStep({ maxBodyBytes }: Pick<HttpParts, 'maxBodyBytes'>): HttpStep {
  return {
    name: 'describe',
    run: async (exchange) => {
      const { request } = exchange;
      const { target, at, method, headers, incoming } = request;
      const handshake = request.upgrading === undefined ? null : checkHandshake(headers);
      const framing: Framing = handshake === null ? checkHeaders(headers) : { kind: 'none' };
      const found = target.routes.find(method, segmentsOf(at.path));
      if (found === null) {
        exchange.action = unknownAction(request, `${method} ${at.path}`);
        return undefined;
      }
      const { route } = found;
      if ((route.body === 'websocket') !== (handshake !== null)) {
        throw new InvalidRequest(`the operation is ${handshake === null ? 'a' : 'no'} WebSocket`);
      }
      const query = readQuery(at.query, route.query);
      const contentType = headers.get('content-type')?.[0];
      const body = await readRequestBody({ stream: incoming, framing, contentType }, route.body, maxBodyBytes);
      const asked = askedOf(route, body.argument);
      if ('unknown' in asked) {
        exchange.action = unknownAction(request, asked.unknown);
        return undefined;
      }
      const { operation } = asked;
      const { args, passed } = selectHeaders(headers, operation.headers);
      request.call = {
        operation,
        path: `${target.basePath}${at.path}${at.query === null ? '' : `?${at.query}`}`,
        headers: {
          ...passed,
          ...args,
          ...handshake,
          ...(body.contentType === null ? {} : { 'content-type': body.contentType }),
        },
        body: body.sent,
      };
      const described: JsonObject = {
        path: found.parameters,
        query,
        headers: args,
        ...(body.argument === undefined ? {} : { body: body.argument }),
        ...asked.described,
      };
      const resolved = resolveResources(operation.resources, described);
      exchange.action = {
        ...base(target, operation.config, operation.name),
        definition: 'pinned',
        resources: 'problem' in resolved ? [] : resolved.resources,
        arguments: described,
        ...('problem' in resolved ? unresolved(resolved.problem) : {}),
      };
      return undefined;
    },
  };
}

function unknownAction({ target }: HttpRequest, called: string): Action {
  // An operation that the target does not have counts as the worst until it is denied for being unknown.
  return {
    ...base(target, { effect: 'execute' }, called.slice(0, MAX_NAME)),
    definition: 'unknown',
    resources: [],
    arguments: {},
  };
}

function base(
  { config }: ApiTarget,
  { effect, sensitivity }: Pick<Action, 'effect'> & { sensitivity?: Action['sensitivity'] },
  operation: string,
) {
  return { target: config.name, operation, effect, sensitivity: sensitivity ?? config.sensitivity, protocol: false };
}

function unresolved(message: string): Pick<Action, 'undescribed'> {
  return { undescribed: { code: 'unresolved_resource', message, next: 'name the resource in the request' } };
}
