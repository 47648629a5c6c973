import { InvalidClient, InvalidGrant, InvalidRequest, InvalidTarget } from '../core/errors.ts';
import { hasEnded, MAX_HOPS, notLive } from '../core/task.ts';
import { authenticateClient, checkClientId } from './agent-grant.ts';
import { certifiedClient } from './check-certificate.ts';
import { JWT_TYPE } from './check-grant-type.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';
import { verifyTaskToken } from './task-token.ts';
import { verifyWorkload, type Workload } from './verify-workload.ts';

/** What is deeper was not made here. */
const MAX_ACTORS = MAX_HOPS + 1;

/** An agent for a task, at one target. INVARIANT 1: the agent proves itself, and is the one that the task names. */
export async function taskGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { form, resource } = exchange;
  const { taskId, mayAct } = await verifyTaskToken(form.subject_token!, parts);
  const { agent, expiresAt } = await actor(exchange, parts);
  checkClientId(form, agent);
  // The actor is authentication enough. A client that authenticates besides is the same agent (RFC 6749, section 2.3).
  if (form.client_assertion !== undefined && (await authenticateClient(exchange, parts)).agent.id !== agent.id) {
    throw new InvalidClient('the client is another workload than the actor');
  }
  const chain = parts.tasks.chain(taskId);
  const task = chain[0]?.task;
  if (task === undefined || agent.id !== mayAct || task.agent.id !== agent.id) {
    throw new InvalidGrant('the actor is not the agent of this task');
  }
  const dead = chain.find((view) => notLive(view.task, parts.clock()) !== null)?.task;
  if (dead !== undefined) {
    throw new InvalidGrant(hasEnded(dead.state) ? `the task has ended (${dead.state})` : 'the task is not active now');
  }
  // The actor profile: a chain that is too long is refused, and never cut.
  if (chain.length > MAX_ACTORS) throw new InvalidGrant(`the task was handed on more than ${MAX_ACTORS - 1} times`);
  const grants = task.grant.filter((grant) => grant.target === resource.target);
  if (grants.length === 0) throw new InvalidTarget('the task grants nothing at this resource');
  const above = chain.slice(1).map((view) => view.task.agent);
  exchange.subject = { kind: 'task', agent, task, above, root: chain.at(-1)!.task.id, grants };
  exchange.notAfter = Math.min(expiresAt, ...chain.map((view) => view.task.window.expiresAt));
}

/**
 * The actor by its token or, where it authenticates as the client by the certificate of its connection, by that (RFC 8693,
 * section 4.4: `may_act` is of "the client (or party identified in the `actor_token`)").
 */
async function actor(exchange: Exchange, parts: TokenEndpointParts): Promise<Workload> {
  const { form, http } = exchange;
  if (form.actor_token === undefined) {
    const byAssertion = form.client_assertion !== undefined || form.client_assertion_type !== undefined;
    if (http.certificate !== null && !byAssertion) return certifiedClient(exchange, parts);
    // RFC 8693, section 1.1: without an actor this would be impersonation.
    throw new InvalidRequest('`actor_token` is missing; an agent acts as itself, with its SVID');
  }
  if (form.actor_token_type !== JWT_TYPE) throw new InvalidRequest(`\`actor_token_type\`: expected \`${JWT_TYPE}\``);
  return verifyWorkload(form.actor_token, exchange, parts, InvalidGrant);
}
