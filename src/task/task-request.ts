import { z } from 'zod';
import { InvalidRequest } from '../core/errors.ts';
import type { CheckArguments, Grant } from '../core/grant.ts';
import { findJsonHazard, type JsonObject, type JsonValue } from '../core/json.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { parseWorkloadId, type ParsedSpiffeId } from '../core/spiffe-id.ts';
import { MAX_HOPS, type PromptOrigin } from '../core/task.ts';
import { grantsForm, isLarge, MAX_BYTES, parseGrants, text, type Catalogue } from './grant-form.ts';
import { budgetForm, parseBudget, type BudgetRequest } from './budget-form.ts';
import { withinProfile, type AppliedProfile, type Asked } from './profile/profiled-request.ts';
import { unknownProfile, type ProfileSet } from './profile/profiles.ts';
import { MAX_PROMPT, statedOriginForm } from './prompt-origin.ts';
import { parseWindow, windowShape, type WindowRequest } from './window-form.ts';

/** The body of a task request. Unknown members are refused, so that a misspelt limit is not a missing one. */
export const taskRequestForm = z.strictObject({
  /** `name`, or `name@version`: says what is left out below, and bounds what is not. */
  profile: text(80).optional(),
  agent: text(2048).optional(),
  purpose: text(500).optional(),
  parameters: z.record(z.string(), z.unknown()).default({}),
  grant: grantsForm.optional(),
  /** `internal`, or as the profile has it. */
  sensitivity: z.enum(SENSITIVITIES).optional(),
  origin: statedOriginForm.default({ channel: 'api', trust: 'authenticated' }),
  /** The delegator's own words: kept encrypted, so that what an agent does can be told from what it was told by others. */
  prompt: text(MAX_PROMPT).optional(),
  ...windowShape,
  /** The same as `budget.calls`. */
  calls: z.number().int().positive().max(1_000_000).optional(),
  budget: budgetForm.optional(),
  /** 0, or as the profile has it. */
  max_hops: z.number().int().min(0).max(MAX_HOPS).optional(),
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
  max_hops: z.number().int().min(0).max(MAX_HOPS).optional(),
});

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
  profile?: AppliedProfile;
  prompt?: string;
};

/** What a hop asks for. What is absent is as the parent has it left. */
export type HopRequest = Pick<TaskRequest, 'agent' | 'purpose' | 'grant' | 'window' | 'budget'> & {
  sensitivity: TaskRequest['sensitivity'] | undefined;
  maxHops: number | undefined;
};

export type RequestParts = { catalogue: Catalogue; profiles: ProfileSet; checkArguments: CheckArguments };

/**
 * @param origin checked by `promptOrigin`.
 * @throws InvalidRequest or InvalidAuthorizationDetails, naming the field and what is expected; NotFound for a profile.
 */
export function parseTaskRequest(
  body: z.output<typeof taskRequestForm>,
  origin: PromptOrigin,
  parts: RequestParts,
): TaskRequest {
  const { catalogue, profiles } = parts;
  const hazard = findJsonHazard(body.parameters as JsonValue, { maxDepth: 16 });
  if (hazard !== null) throw new InvalidRequest(`\`parameters${hazard.path}\` ${hazard.problem}`);
  if (isLarge(body.parameters)) throw new InvalidRequest(`\`parameters\`: at most ${MAX_BYTES} bytes of JSON`);
  const asked: Asked = {
    agent: body.agent,
    purpose: body.purpose,
    parameters: body.parameters as JsonObject,
    grant: body.grant === undefined ? undefined : parseGrants(body.grant, catalogue),
    sensitivity: body.sensitivity,
    window: parseWindow(body),
    budget: budgetOf(body, catalogue),
    maxHops: body.max_hops,
  };
  const profile = body.profile === undefined ? null : profiles.find(body.profile);
  if (profile === undefined) throw unknownProfile(body.profile!, profiles);
  const whole = profile === null ? inFull(asked) : withinProfile(profile, asked, parts);
  return {
    ...whole,
    agent: parseAgent(whole.agent, catalogue),
    parameters: asked.parameters,
    origin,
    ...(body.prompt === undefined ? {} : { prompt: body.prompt }),
  };
}

/** A request without a profile says itself what the task is. */
function inFull({ agent, purpose, grant, sensitivity = 'internal', window, budget, maxHops = 0 }: Asked) {
  for (const [name, value] of Object.entries({ agent, purpose, grant })) {
    if (value === undefined) throw new InvalidRequest(`\`${name}\`: is missing; give it, or a \`profile\``);
  }
  return { agent: agent!, purpose: purpose!, grant: grant!, sensitivity, window, budget, maxHops };
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
