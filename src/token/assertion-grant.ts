import type { Grant } from '../core/grant.ts';
import { InvalidAuthorizationDetails, InvalidScope, InvalidTarget } from '../core/errors.ts';
import { parseTaskRequest, taskRequestForm } from '../task/task-request.ts';
import { targetOf } from './check-resource.ts';
import { readDetails } from './details.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';
import { readScope, withinScope } from './scope.ts';

/** The provider says who acts for whom, and not what for. */
const PURPOSE = 'on an identity assertion, which states no purpose';

/**
 * An agent for a person who is not here: a task of what the assertion says, and no more than it says. It becomes one with
 * the last check (take-up-task.ts).
 */
export function assertionGrant(exchange: Exchange, parts: TokenEndpointParts): void {
  const { asserted, resource } = exchange;
  const { client } = asserted!;
  const { grants, scope } = grantedBy(asserted!, parts);
  const there = grants.filter(({ target }) => target === resource.target);
  if (there.length === 0) throw new InvalidTarget('the identity assertion grants nothing at this resource');
  const request = parseTaskRequest(
    taskRequestForm.parse({ agent: client.agent.id, purpose: PURPOSE, grant: grants }),
    // Nobody here has seen the instruction, and whoever wrote it: an agent says that it has one.
    { channel: 'agent', trust: 'outside' },
    parts,
  );
  const { agent, expiresAt } = client;
  exchange.subject = { kind: 'asserted', agent, request, grants: there, ...(scope === undefined ? {} : { scope }) };
  exchange.notAfter = expiresAt;
}

/** INVARIANT 3 and 4: what the provider did not name is not granted, and what it names has to be here. */
function grantedBy(
  { resources, scope, details }: NonNullable<Exchange['asserted']>,
  parts: TokenEndpointParts,
): { grants: Grant[]; scope: string | undefined } {
  const targets = resources.map((resource) => {
    const target = targetOf(resource, parts);
    if (target === null) throw new InvalidTarget('an identity assertion is for targets, and not for the API');
    return target;
  });
  const effects = scope === undefined ? undefined : readScope(scope);
  if (details === undefined) {
    if (effects === undefined) {
      throw new InvalidScope('the identity assertion has no `scope` and no `authorization_details`');
    }
    if (targets.length === 0) throw new InvalidTarget('the identity assertion names no `resource`');
    const grants = [...new Set(targets)].map((target) => ({ type: 'remit_grant' as const, target, effects }));
    return { grants, scope: effects.join(' ') };
  }
  const grants = readDetails(details, parts);
  if (targets.length > 0 && grants.some(({ target }) => !targets.includes(target))) {
    throw new InvalidAuthorizationDetails('the identity assertion has details of another target than its `resource`');
  }
  if (effects === undefined) return { grants, scope: undefined };
  return { grants: withinScope(grants, effects, parts.catalogue), scope: effects.join(' ') };
}
