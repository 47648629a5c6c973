import { z } from '@hono/zod-openapi';
import {
  parseRegistration,
  parseRegistrationChange,
  registrationChangeForm,
  registrationForm,
  type RegistrationNames,
} from '../../agent/registration.ts';
import type { Agents } from '../../agent/agents.ts';
import { AGENT_STATES, type AgentState, type RegisteredAgent } from '../../core/agent.ts';
import { InvalidRequest } from '../../core/errors.ts';
import { controlRoute, type ControlApp } from './route.ts';

const time = z.iso.datetime();
const ownerWire = z.union([z.object({ issuer: z.string(), subject: z.string() }), z.object({ group: z.string() })]);

const agentWire = z
  .object({
    id: z.string(),
    owner: ownerWire,
    purpose: z.string(),
    groups: z.array(z.string()),
    profiles: z.array(z.string()).nullable(),
    state: z.enum(AGENT_STATES),
    reason: z.string().optional(),
    created_at: time,
    created_by: z.string(),
    last_used_at: time.optional(),
    revision: z.number().int(),
  })
  .openapi('RegisteredAgent');

// A SPIFFE ID holds slashes, which proxies decode in paths as they like: it is in the query or in the body.
const id = z.string().min(1).max(2048);

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/agents',
  summary: 'registered agents and fleets, by id',
  request: {
    query: z.object({
      state: z.enum(AGENT_STATES).optional(),
      mine: z.enum(['true', 'false']).default('false').openapi({ description: 'those that the caller owns' }),
    }),
  },
  answer: z.object({ agents: z.array(agentWire) }),
});
const showRoute = controlRoute({
  method: 'get',
  path: '/v1/agents/show',
  summary: 'one registered agent',
  request: { query: z.object({ id }) },
  answer: agentWire,
});
const registerRoute = controlRoute({
  method: 'post',
  path: '/v1/agents',
  summary: 'register an agent, or a fleet by a pattern of its SPIFFE IDs',
  request: { body: { required: true, content: { 'application/json': { schema: registrationForm } } } },
  answer: agentWire,
});
const changeRoute = controlRoute({
  method: 'post',
  path: '/v1/agents/set',
  summary: 'change owner, purpose, groups or profiles of a registered agent',
  request: { body: { required: true, content: { 'application/json': { schema: registrationChangeForm } } } },
  answer: agentWire,
});

function moveRoute<Path extends string>(path: Path, summary: string) {
  const body = z.strictObject({ id, reason: z.string().min(1).max(500) });
  return controlRoute({
    method: 'post',
    path,
    summary,
    request: { body: { required: true, content: { 'application/json': { schema: body } } } },
    answer: agentWire,
  });
}

const suspendRoute = moveRoute('/v1/agents/suspend', 'suspend the agent: its tasks end with all below them');
const resumeRoute = moveRoute('/v1/agents/resume', 'let a suspended agent act again, under new tasks');
const retireRoute = moveRoute('/v1/agents/retire', 'retire the agent for good: its tasks end with all below them');

export type AgentRouteParts = { agents: Agents; registrationNames: RegistrationNames };

export function agentRoutes(app: ControlApp, { agents, registrationNames: names }: AgentRouteParts): void {
  app.openapi(listRoute, async (c) => {
    const { state, mine } = c.req.valid('query');
    const { delegator } = c.var.asker;
    if (mine === 'true' && delegator === null) throw new InvalidRequest('`mine`: only a person owns agents');
    const owner = mine === 'true' ? { issuer: delegator!.issuer, subject: delegator!.subject } : undefined;
    const found = await agents.list(c.var.asker, {
      ...(state === undefined ? {} : { state }),
      ...(owner === undefined ? {} : { owner }),
    });
    return c.json({ agents: found.map(agentToWire) }, 200);
  });
  app.openapi(showRoute, async (c) =>
    c.json(agentToWire(await agents.show(c.var.asker, c.req.valid('query').id)), 200),
  );
  app.openapi(registerRoute, async (c) => {
    const registration = parseRegistration(c.req.valid('json'), names);
    return c.json(agentToWire(await agents.register(c.var.asker, registration)), 200);
  });
  app.openapi(changeRoute, async (c) => {
    const body = c.req.valid('json');
    const change = parseRegistrationChange(body, names);
    return c.json(agentToWire(await agents.change(c.var.asker, body.id, change, body.revision)), 200);
  });
  const moves = [
    [suspendRoute, 'suspended'],
    [resumeRoute, 'active'],
    [retireRoute, 'retired'],
  ] as const satisfies [unknown, AgentState][];
  for (const [route, to] of moves) {
    app.openapi(route, async (c) => {
      const body = c.req.valid('json');
      return c.json(agentToWire(await agents.move(c.var.asker, body.id, { to, reason: body.reason })), 200);
    });
  }
}

function agentToWire(agent: RegisteredAgent): z.output<typeof agentWire> {
  const { createdAt, createdBy, lastUsedAt, reason, ...rest } = agent;
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    ...rest,
    ...(reason === undefined ? {} : { reason }),
    created_at: iso(createdAt),
    created_by: createdBy,
    ...(lastUsedAt === undefined ? {} : { last_used_at: iso(lastUsedAt) }),
  };
}
