import { InvalidTarget } from '../core/errors.ts';
import { readTargetPath, targetResource } from '../core/target-resource.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/** RFC 8707, and RFC 8693, section 2.1: exactly one resource, one that exists, and one that this kind of token may be for. */
export function checkResource(exchange: Exchange, parts: TokenEndpointParts): void {
  const { resource, audience } = exchange.form;
  // The provider may have said which one, and its client need not say it again.
  const { resources = [] } = exchange.asserted ?? {};
  const named = audience === undefined ? undefined : resourceOf(audience, parts);
  const about = resource ?? named ?? (resources.length === 1 ? resources[0] : undefined);
  if (about === undefined) throw new InvalidTarget('name one `resource`, or its `audience`');
  if (named !== undefined && named !== about) {
    throw new InvalidTarget('`resource` and `audience` are two; ask for a token for each');
  }
  exchange.resource = { audience: about, target: targetOf(about, parts) };
  checkUse(exchange);
}

/** The resource of a logical name: the name of a target, `remit` for the API, or the resource itself. */
function resourceOf(audience: string, { issuer, catalogue }: TokenEndpointParts): string {
  if (audience === 'remit') return `${issuer}/v1`;
  if (catalogue.operations(audience) === undefined) return audience;
  return targetResource(issuer, { protocol: catalogue.protocolOf?.(audience) ?? 'mcp', name: audience });
}

/** The target whose gateway the resource is, or `null` for Remit's own API. */
export function targetOf(
  resource: string,
  { issuer, catalogue }: Pick<TokenEndpointParts, 'issuer' | 'catalogue'>,
): string | null {
  if (resource === `${issuer}/v1`) return null;
  const named = resource.startsWith(`${issuer}/`) ? readTargetPath(resource.slice(issuer.length)) : null;
  const known = named !== null && catalogue.operations(named.name) !== undefined;
  if (!known || named.protocol !== (catalogue.protocolOf?.(named.name) ?? 'mcp')) {
    throw new InvalidTarget('the resource is not one of this server');
  }
  return named.name;
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
    case 'assertion':
      if (resource.target !== null) return;
      throw new InvalidTarget('an identity assertion is for a target; use client credentials for the API');
  }
}
