import { z } from 'zod';
import { EFFECTS } from '../core/effect.ts';
import { InvalidAuthorizationDetails, InvalidRequest } from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import type { EffectOf } from '../core/grant-within.ts';
import { findJsonHazard, type JsonObject, type JsonValue } from '../core/json.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { parseWorkloadId, type ParsedSpiffeId } from '../core/spiffe-id.ts';
import type { PromptOrigin } from '../core/task.ts';
import { schemaProblem } from '../pdp/check-arguments.ts';
import { budgetForm, parseBudget, type BudgetRequest } from './budget-form.ts';
import { parseWindow, windowShape, type WindowRequest } from './window-form.ts';

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed(), 'expected well-formed Unicode');

/** One element of RFC 9396 `authorization_details` on the wire. */
export const grantForm = z.strictObject({
  type: z.literal('remit_grant').default('remit_grant'),
  target: text(63),
  operations: z.array(text(128)).min(1).max(100).optional(),
  effects: z.array(z.enum(EFFECTS)).min(1).max(EFFECTS.length).optional(),
  resources: z.array(text(1024)).min(1).max(50).optional(),
  arguments: z.record(z.string(), z.unknown()).optional(),
});

export const grantsForm = z.array(grantForm).min(1).max(20);

/** Where the instruction came from, as the requester states it. */
export const originForm = z.strictObject({
  channel: z.enum(['console', 'cli', 'api', 'chat', 'email', 'ticket', 'schedule', 'agent']),
  author: text(320).optional(),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional(),
  trust: z.enum(['authenticated', 'organisation', 'outside']),
});

/** The body of a task request. Unknown members are refused, so that a misspelt limit is not a missing one. */
export const taskRequestForm = z.strictObject({
  agent: text(2048),
  purpose: text(500),
  parameters: z.record(z.string(), z.unknown()).default({}),
  grant: grantsForm,
  sensitivity: z.enum(SENSITIVITIES).default('internal'),
  origin: originForm.default({ channel: 'api', trust: 'authenticated' }),
  ...windowShape,
  /** The same as `budget.calls`. */
  calls: z.number().int().positive().max(1_000_000).optional(),
  budget: budgetForm.optional(),
  max_hops: z.number().int().min(0).max(16).default(0),
});

/**
 * The body of a hop. Parameters and origin are not in it: a child has its parent's parameters, so that no policy which
 * compares with them can be met by handing the task on, and its origin is the agent that handed it on.
 */
export const hopRequestForm = z.strictObject({
  agent: text(2048),
  purpose: text(500),
  grant: grantsForm,
  sensitivity: z.enum(SENSITIVITIES).optional(),
  ...windowShape,
  /** The same as `budget.calls`. */
  calls: z.number().int().positive().max(1_000_000).optional(),
  budget: budgetForm.optional(),
  max_hops: z.number().int().min(0).max(16).optional(),
});

/** Longest `parameters`, and longest `grant`, as JSON. */
const MAX_BYTES = 16 * 1024;

/** What the request asks for, checked against what Remit knows. */
export type TaskRequest = {
  agent: ParsedSpiffeId;
  purpose: string;
  parameters: JsonObject;
  grant: Grant[];
  sensitivity: (typeof SENSITIVITIES)[number];
  origin: PromptOrigin;
  window: WindowRequest;
  budget: BudgetRequest;
  maxHops: number;
};

/** What a hop asks for. What is absent is as the parent has it left. */
export type HopRequest = Pick<TaskRequest, 'agent' | 'purpose' | 'grant' | 'window' | 'budget'> & {
  sensitivity: TaskRequest['sensitivity'] | undefined;
  maxHops: number | undefined;
};

export type Catalogue = {
  /** Operation names of a target, `undefined` for an unknown one. */
  operations(target: string): readonly string[] | undefined;
  effectOf: EffectOf;
  trustDomains: readonly string[];
};

/** @throws InvalidRequest or InvalidAuthorizationDetails, naming the field and what is expected. */
export function parseTaskRequest(body: z.output<typeof taskRequestForm>, catalogue: Catalogue): TaskRequest {
  const agent = parseAgent(body.agent, catalogue);
  const hazard = findJsonHazard(body.parameters as JsonValue, { maxDepth: 16 });
  if (hazard !== null) throw new InvalidRequest(`\`parameters${hazard.path}\` ${hazard.problem}`);
  if (isLarge(body.parameters)) throw new InvalidRequest(`\`parameters\`: at most ${MAX_BYTES} bytes of JSON`);
  return {
    agent,
    purpose: body.purpose,
    parameters: body.parameters as JsonObject,
    grant: parseGrants(body.grant, catalogue),
    sensitivity: body.sensitivity,
    origin: body.origin,
    window: parseWindow(body),
    budget: budgetOf(body, catalogue),
    maxHops: body.max_hops,
  };
}

/** @throws InvalidRequest or InvalidAuthorizationDetails, naming the field and what is expected. */
export function parseHopRequest(body: z.output<typeof hopRequestForm>, catalogue: Catalogue): HopRequest {
  return {
    agent: parseAgent(body.agent, catalogue),
    purpose: body.purpose,
    grant: parseGrants(body.grant, catalogue),
    sensitivity: body.sensitivity,
    window: parseWindow(body),
    budget: budgetOf(body, catalogue),
    maxHops: body.max_hops,
  };
}

function budgetOf(
  { calls, budget = {} }: { calls?: number | undefined; budget?: z.output<typeof budgetForm> | undefined },
  catalogue: Catalogue,
): BudgetRequest {
  if (calls !== undefined && budget.calls !== undefined) {
    throw new InvalidRequest('`calls`: give this or `budget.calls`, not both');
  }
  return { ...parseBudget(budget, catalogue), ...(calls === undefined ? {} : { calls }) };
}

function parseAgent(id: string, catalogue: Catalogue): ParsedSpiffeId {
  const agent = parseWorkloadId(id);
  if ('problem' in agent) throw new InvalidRequest(`\`agent\` ${agent.problem}`);
  if (!catalogue.trustDomains.includes(agent.trustDomain)) {
    throw new InvalidRequest(`\`agent\`: trust domain \`${agent.trustDomain}\` is not configured`);
  }
  return agent;
}

/** @throws InvalidAuthorizationDetails for grants that name nothing, or something that does not exist. */
export function parseGrants(forms: z.output<typeof grantsForm>, catalogue: Catalogue): Grant[] {
  // The scope stands in every record of the task.
  if (isLarge(forms)) throw new InvalidAuthorizationDetails(`the grants have more than ${MAX_BYTES} bytes of JSON`);
  return forms.map((form, place) => {
    const where = `grant ${place + 1}`;
    const known = catalogue.operations(form.target);
    if (known === undefined) throw new InvalidAuthorizationDetails(`${where}: \`${form.target}\` is not a target`);
    if (form.operations === undefined && form.effects === undefined) {
      throw new InvalidAuthorizationDetails(`${where}: name \`operations\` or \`effects\``);
    }
    const unknown = form.operations?.find((operation) => !known.includes(operation));
    if (unknown !== undefined) {
      throw new InvalidAuthorizationDetails(`${where}: \`${unknown}\` is not an operation of \`${form.target}\``);
    }
    const { arguments: schema, ...rest } = form;
    if (schema === undefined) return rest;
    const hazard = findJsonHazard(schema as JsonValue, { maxDepth: 32 });
    const problem = hazard === null ? schemaProblem(schema as JsonObject) : `\`${hazard.path}\` ${hazard.problem}`;
    if (problem !== null) throw new InvalidAuthorizationDetails(`${where}: \`arguments\`: ${problem}`);
    return { ...rest, arguments: schema as JsonObject };
  });
}

function isLarge(value: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(value)) > MAX_BYTES;
}
