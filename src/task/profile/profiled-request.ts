import { countersOf } from '../../core/budget.ts';
import { InvalidAuthorizationDetails, InvalidRequest } from '../../core/errors.ts';
import type { CheckArguments, Grant } from '../../core/grant.ts';
import { beyondGrants } from '../../core/grant-within.ts';
import type { JsonObject } from '../../core/json.ts';
import { matchesPattern } from '../../core/resource.ts';
import { sensitivityLevel, type Sensitivity } from '../../core/sensitivity.ts';
import type { TaskProfile } from '../../core/task.ts';
import type { BudgetRequest } from '../budget-form.ts';
import type { Catalogue } from '../grant-form.ts';
import type { WindowRequest } from '../window-form.ts';
import type { Automation } from './automation.ts';
import type { Profile } from './profile-file.ts';
import { filledGrant, filledText } from './template.ts';

/** What a request asks for beside its profile. */
export type Asked = {
  agent: string | undefined;
  purpose: string | undefined;
  parameters: JsonObject;
  grant: Grant[] | undefined;
  sensitivity: Sensitivity | undefined;
  window: WindowRequest;
  budget: BudgetRequest;
  maxHops: number | undefined;
};

/** The same with all that the profile says filled in. */
export type Profiled = {
  agent: string;
  purpose: string;
  grant: Grant[];
  sensitivity: Sensitivity;
  window: WindowRequest;
  budget: BudgetRequest;
  maxHops: number;
  profile: AppliedProfile;
};

export type AppliedProfile = {
  task: TaskProfile;
  /** The longest life; absent where the profile sets none. */
  lifetimeSeconds?: number;
  /** Who has to agree to the task. */
  approval: string[];
  /** How its agent may start it by itself. Absent: not at all. */
  automation?: Automation;
};

export type ProfileUse = { catalogue: Pick<Catalogue, 'effectOf'>; checkArguments: CheckArguments };

/**
 * A request within a profile: defaults filled in, parameters put in their places.
 *
 * @throws InvalidRequest or InvalidAuthorizationDetails for what the profile does not allow, with what it does.
 */
export function withinProfile(profile: Profile, asked: Asked, parts: ProfileUse): Profiled {
  const of = `profile \`${profile.name}\``;
  const problem = parts.checkArguments(profile.parameters, asked.parameters)[0];
  if (problem !== undefined) throw new InvalidRequest(`\`parameters\`: ${problem}, which ${of} asks for`);
  const filled = filledOf(profile, asked.parameters);
  const { name, version, digest, approval } = profile;
  return {
    agent: agentOf(profile, asked.agent, of),
    purpose: purposeOf(filled.purpose, asked.purpose, of),
    grant: grantOf(filled.grant, asked.grant, parts, of),
    sensitivity: sensitivityOf(profile, asked.sensitivity, of),
    window: windowOf(profile, asked.window, of),
    budget: budgetOf(profile.budget, asked.budget, of),
    maxHops: maxHopsOf(profile, asked.maxHops, of),
    profile: {
      task: { name, version, digest, ...(approval.hops.length === 0 ? {} : { hopApproval: approval.hops }) },
      ...(profile.lifetimeSeconds === undefined ? {} : { lifetimeSeconds: profile.lifetimeSeconds }),
      approval: approval.task,
      ...(profile.automation === undefined ? {} : { automation: profile.automation }),
    },
  };
}

function filledOf(profile: Profile, parameters: JsonObject): { purpose: string | undefined; grant: Grant[] } {
  try {
    return {
      purpose: profile.purpose === undefined ? undefined : filledText(profile.purpose, parameters),
      grant: profile.grant.map((grant) => filledGrant(grant, parameters)),
    };
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidRequest(error.message);
    throw error;
  }
}

function agentOf({ agents }: Profile, asked: string | undefined, of: string): string {
  const [only = '', ...others] = agents;
  if (asked === undefined) {
    if (others.length === 0 && !only.includes('*')) return only;
    throw new InvalidRequest(
      `\`agent\`: ${of} is for several; name one of ${agents.map((id) => `\`${id}\``).join(', ')}`,
    );
  }
  if (agents.some((pattern) => matchesPattern(pattern, asked))) return asked;
  throw new InvalidRequest(`\`agent\`: ${of} is for ${agents.map((id) => `\`${id}\``).join(', ')}`);
}

function purposeOf(template: string | undefined, asked: string | undefined, of: string): string {
  if (template === undefined) {
    if (asked === undefined)
      throw new InvalidRequest(`\`purpose\`: ${of} leaves it to the request; say what the task is for`);
    return asked;
  }
  if (asked !== undefined && asked !== template) throw new InvalidRequest(`\`purpose\`: ${of} says it; leave it out`);
  return template;
}

function grantOf(granted: Grant[], asked: Grant[] | undefined, { catalogue }: ProfileUse, of: string): Grant[] {
  for (const grant of asked ?? []) {
    const beyond = beyondGrants(grant, granted, catalogue.effectOf);
    if (beyond !== null) throw new InvalidAuthorizationDetails(`${of} does not grant ${beyond}; ask for less`);
  }
  return asked ?? granted;
}

function sensitivityOf(profile: Profile, asked: Sensitivity | undefined, of: string): Sensitivity {
  const sensitivity = asked ?? profile.sensitivity;
  if (sensitivityLevel(sensitivity) <= sensitivityLevel(profile.sensitivity)) return sensitivity;
  throw new InvalidRequest(`\`sensitivity\`: the ceiling of ${of} is \`${profile.sensitivity}\``);
}

/** The longest life is looked at where the clock is. Schedules of both have to be open. */
function windowOf({ lifetimeSeconds, schedule }: Profile, asked: WindowRequest, of: string): WindowRequest {
  if (lifetimeSeconds !== undefined && (asked.lifetimeSeconds ?? 0) > lifetimeSeconds) {
    throw new InvalidRequest(`\`lifetime_seconds\`: a task of ${of} lives at most ${lifetimeSeconds} seconds`);
  }
  return { ...asked, schedules: [...(schedule === undefined ? [] : [schedule]), ...asked.schedules] };
}

function budgetOf(most: BudgetRequest, asked: BudgetRequest, of: string): BudgetRequest {
  if (most.calls !== undefined && (asked.calls ?? 0) > most.calls) {
    throw new InvalidRequest(`\`calls\`: ${of} allows ${most.calls}`);
  }
  const limits = new Map(countersOf(most).map(({ name, atMost }) => [name, atMost]));
  for (const { name, member, atMost } of countersOf(asked)) {
    const limit = member === null ? undefined : limits.get(name);
    if (limit !== undefined && atMost > limit) throw new InvalidRequest(`\`budget.${member}\`: ${of} allows ${limit}`);
  }
  const calls = asked.calls ?? most.calls;
  const effects = { ...most.effects, ...asked.effects };
  const operations = { ...most.operations, ...asked.operations };
  const sums = [...(most.sums ?? []), ...(asked.sums ?? [])];
  return {
    ...(calls === undefined ? {} : { calls }),
    ...(Object.keys(effects).length === 0 ? {} : { effects }),
    ...(Object.keys(operations).length === 0 ? {} : { operations }),
    ...(sums.length === 0 ? {} : { sums }),
  };
}

function maxHopsOf(profile: Profile, asked: number | undefined, of: string): number {
  const maxHops = asked ?? profile.maxHops;
  if (maxHops <= profile.maxHops) return maxHops;
  throw new InvalidRequest(`\`max_hops\`: ${of} allows ${profile.maxHops}`);
}
