import { z } from 'zod';
import { parseYaml } from '../../config/yaml-file.ts';
import { readApprovalRule } from '../../core/approval-rule.ts';
import type { Sha256Hex } from '../../core/action.ts';
import { RemitError } from '../../core/errors.ts';
import type { Grant } from '../../core/grant.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { Schedule } from '../../core/schedule.ts';
import { SENSITIVITIES, type Sensitivity } from '../../core/sensitivity.ts';
import { schemaProblem } from '../../pdp/check-arguments.ts';
import { budgetForm, parseBudget, type BudgetRequest } from '../budget-form.ts';
import { grantsForm, parseGrants, type Catalogue } from '../grant-form.ts';
import { parseSchedule, scheduleForm } from '../window-form.ts';
import { automationForm, automationOf, automationProblems, type Automation } from './automation.ts';
import { placeholdersIn, placeholdersInGrant } from './template.ts';

/** A named, versioned kind of task: what it is given, and what bounds it. A request may narrow it, and never exceed it. */
export type Profile = {
  name: string;
  version: number;
  /** `sha256:` of the file's text. */
  digest: string;
  description?: string;
  /** Patterns of SPIFFE IDs of the agents that it may be given to. */
  agents: string[];
  /** A template; absent: the request says it. */
  purpose?: string;
  /** JSON Schema (2020-12) of the parameters. */
  parameters: JsonObject;
  /** Templates. */
  grant: Grant[];
  sensitivity: Sensitivity;
  /** The longest life, and the one of a task that asks for none. */
  lifetimeSeconds?: number;
  schedule?: Schedule;
  budget: BudgetRequest;
  maxHops: number;
  /** Who has to agree: to a task of this profile, and to each hop from one. Rules as `@approval` has them. */
  approval: { task: string[]; hops: string[] };
  /** Absent: a person hands it out. */
  automation?: Automation;
};

const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a name of a-z, 0-9 and -, starting with a letter');

const rule = z
  .string()
  .min(1)
  .max(500)
  .superRefine((text, check) => {
    const read = readApprovalRule(text);
    if ('problem' in read) check.addIssue(read.problem);
  });

const NO_PARAMETERS = { type: 'object', additionalProperties: false };

/** The form of a profile file. */
export const profileForm = z.strictObject({
  name,
  version: z.number().int().min(1).max(1_000_000),
  description: z.string().min(1).max(500).optional(),
  agents: z
    .array(
      z
        .string()
        .regex(/^spiffe:\/\/[a-z0-9._-]+\/.+$/, 'expected a SPIFFE ID, or a pattern of them with its trust domain'),
    )
    .min(1)
    .max(50),
  purpose: z.string().min(1).max(500).optional(),
  parameters: z.record(z.string(), z.unknown()).default(NO_PARAMETERS),
  grant: grantsForm,
  sensitivity: z.enum(SENSITIVITIES),
  minutes: z
    .number()
    .positive()
    .max(24 * 60)
    .optional(),
  schedule: scheduleForm.optional(),
  budget: budgetForm.prefault({}),
  max_hops: z.number().int().min(0).max(16).default(0),
  approval: z
    .strictObject({ task: z.array(rule).max(5).default([]), hops: z.array(rule).max(5).default([]) })
    .prefault({}),
  automation: automationForm.optional(),
});

/** `maxLifetimeSeconds`: what no task lives longer than; absent where no configuration says. */
export type ProfileParts = {
  catalogue: Catalogue;
  sha256: Sha256Hex;
  maxLifetimeSeconds?: number;
  /** Of the providers of people. Absent: none. */
  issuers?: readonly string[];
};

/**
 * Parses a profile; `file` is what messages call it.
 *
 * @throws InvalidConfig with one line: file, line, field and what is expected.
 */
export function parseProfile(file: string, text: string, parts: ProfileParts): Profile {
  const { issuers = [] } = parts;
  let read: Pick<Profile, 'grant' | 'budget'> | undefined;
  // What needs the catalogue is checked within the schema, so that its problems have a line, too.
  const checked = profileForm.superRefine((form, check) => {
    const problem = (path: PropertyKey[], message: string) => check.addIssue({ code: 'custom', path, message });
    const domain = form.agents.findIndex((id) => !parts.catalogue.trustDomains.includes(id.split('/')[2]!));
    if (domain !== -1) problem(['agents', domain], 'its trust domain is not configured');
    const most = (parts.maxLifetimeSeconds ?? Infinity) / 60;
    if ((form.minutes ?? 0) > most)
      problem(['minutes'], `no task lives longer than ${most} minutes (\`tasks.max_minutes\`)`);
    const schema = form.parameters as JsonObject;
    const unusable =
      form.parameters['type'] === 'object' ? schemaProblem(schema) : 'expected a schema of `type: object`';
    if (unusable !== null) problem(['parameters'], unusable);
    for (const [path, found] of templatesOf(form)) {
      if ('problem' in found) problem(path, found.problem);
      else {
        const loose = found.names.find((each) => !isRequired(schema, each));
        if (loose !== undefined)
          problem(path, `\`{parameters.${loose}}\` needs \`parameters\` to require \`${loose}\``);
      }
    }
    const grant = reading(() => parseGrants(form.grant, parts.catalogue));
    if ('problem' in grant) problem(['grant'], grant.problem);
    const budget = reading(() => parseBudget(form.budget, parts.catalogue));
    if ('problem' in budget) problem(['budget'], budget.problem);
    if ('value' in grant) {
      const within = { grant: grant.value, issuers, effectOf: parts.catalogue.effectOf };
      for (const [path, message] of automationProblems(form, within)) problem(path, message);
    }
    if ('value' in grant && 'value' in budget) read = { grant: grant.value, budget: budget.value };
  });
  const form = parseYaml(file, text, checked);
  return {
    name: form.name,
    version: form.version,
    digest: `sha256:${parts.sha256(text)}`,
    ...(form.description === undefined ? {} : { description: form.description }),
    agents: form.agents,
    ...(form.purpose === undefined ? {} : { purpose: form.purpose }),
    parameters: form.parameters as JsonObject,
    ...read!,
    sensitivity: form.sensitivity,
    ...(form.minutes === undefined ? {} : { lifetimeSeconds: Math.round(form.minutes * 60) }),
    ...(form.schedule === undefined ? {} : { schedule: parseSchedule(form.schedule) }),
    maxHops: form.max_hops,
    approval: form.approval,
    ...(form.automation === undefined ? {} : { automation: automationOf(form.automation, issuers) }),
  };
}

function templatesOf(form: z.output<typeof profileForm>): [PropertyKey[], ReturnType<typeof placeholdersIn>][] {
  return [
    ...(form.purpose === undefined ? [] : [[['purpose'], placeholdersIn(form.purpose)] as [PropertyKey[], never]]),
    ...form.grant.map((grant, place): [PropertyKey[], ReturnType<typeof placeholdersIn>] => [
      ['grant', place],
      placeholdersInGrant(grant as Grant),
    ]),
  ];
}

function isRequired({ properties, required }: JsonObject, parameter: string): boolean {
  const isNamed = isJsonObject(properties) && Object.hasOwn(properties, parameter);
  return isNamed && Array.isArray(required) && required.includes(parameter);
}

function reading<Value>(read: () => Value): { value: Value } | { problem: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof RemitError) return { problem: error.message };
    throw error;
  }
}
