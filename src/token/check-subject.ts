import { agentGrant } from './agent-grant.ts';
import { assertionGrant } from './assertion-grant.ts';
import type { Check, Exchange, GrantKind, TokenEndpointParts } from './exchange.ts';
import { personGrant } from './person-grant.ts';
import { taskGrant } from './task-grant.ts';

const GRANTS: Record<GrantKind, Check> = {
  agent: agentGrant,
  person: personGrant,
  task: taskGrant,
  assertion: assertionGrant,
};

/** Whom the token is for, proven by what the grant asks for. */
export async function checkSubject(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  await GRANTS[exchange.grant](exchange, parts);
}
