import { InvalidTarget } from '../core/errors.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/** RFC 8707: exactly one resource, one that exists, and one that this kind of token may be for. */
export function checkResource(exchange: Exchange, parts: TokenEndpointParts): void {
  const { resource, audience } = exchange.form;
  if (resource === undefined) throw new InvalidTarget('name one `resource`');
  if (audience !== undefined) throw new InvalidTarget('use `resource`, not `audience`');
  exchange.resource = { audience: resource, target: targetOf(resource, parts) };
  checkUse(exchange);
}

/** The target whose gateway the resource is, or `null` for Remit's own API. */
function targetOf(resource: string, { issuer, catalogue }: TokenEndpointParts): string | null {
  if (resource === `${issuer}/v1`) return null;
  const target = resource.startsWith(`${issuer}/mcp/`) ? resource.slice(`${issuer}/mcp/`.length) : '';
  if (target === '' || catalogue.operations(target) === undefined) {
    throw new InvalidTarget('the `resource` is not one of this server');
  }
  return target;
}

/** A target is reached under a task, and Remit's own API without one. */
function checkUse({ grant, resource }: Exchange): void {
  switch (grant) {
    case 'agent':
      if (resource.target === null) return;
      throw new InvalidTarget('access to a target needs a task; exchange its task token');
    case 'person':
      if (resource.target === null) return;
      throw new InvalidTarget('access to a target needs a task; request one for an agent');
    case 'task':
      if (resource.target !== null) return;
      throw new InvalidTarget('a task token is for a target; use client credentials for the API');
  }
}
