import { z } from 'zod';
import { parseYaml } from '../config/yaml-file.ts';
import { ARGUMENT_ORIGINS } from '../core/action.ts';
import { AGENT_STATES } from '../core/agent.ts';
import { EFFECTS } from '../core/effect.ts';
import { InvalidConfig } from '../core/errors.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { TASK_STATES } from '../core/task.ts';
import { amountForm, budgetForm } from '../task/budget-form.ts';
import { scheduleForm } from '../task/window-form.ts';

/**
 * The form of a case file. Everything that a case leaves out has a default that stands in nobody's way, so that a case
 * says only what it is about; the defaults are applied in `case-input.ts`, after those of the file.
 */

/** A strict object whose error lists what it knows: a misspelt field must never be a condition that is not tested. */
function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join('`, `');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `known here are \`${known}\`` : undefined),
  });
}

/** Lets a plain text stand for an object, without a union, whose errors would name no field. */
function orText<Form extends z.ZodType>(expand: (text: string) => object, form: Form) {
  return z.preprocess((value) => (typeof value === 'string' ? expand(value) : value), form);
}

const text = z.string().min(1);
const texts = z.array(text);
const count = z.number().int().min(0);
const values = z.record(z.string(), z.json());
const time = z.iso.datetime({ offset: true, error: 'expected a time such as 2026-03-02T10:00:00Z' });
/** One line, single spaces: names stand in tables whose columns are two spaces apart. */
const name = z.string().regex(/^\S+( \S+)*$/, 'expected one line without leading, trailing or double spaces');

const agent = orText(
  (id) => ({ id }),
  strict({
    id: text,
    attestation: z.enum(['jwt-svid', 'x509-svid', 'oidc', 'private_key_jwt']).optional(),
    groups: texts.optional(),
    /** As registered; absent for one that is not. */
    state: z.enum([...AGENT_STATES, 'unregistered']).optional(),
    owner: z.union([strict({ issuer: z.url(), subject: text }), strict({ group: text })]).optional(),
  }),
).nullable();

const personShape = {
  issuer: z.url().optional(),
  subject: text.optional(),
  name: text.optional(),
  email: text.optional(),
  groups: texts.optional(),
  acr: text.optional(),
  amr: texts.optional(),
  auth_time: time.optional(),
};
const person = orText((name) => ({ person: name }), strict({ person: text.optional(), ...personShape }));
const delegator = person.nullable();

const grant = strict({
  type: z.literal('remit_grant').default('remit_grant'),
  target: text,
  operations: texts.min(1).optional(),
  effects: z.array(z.enum(EFFECTS)).min(1).optional(),
  resources: texts.min(1).optional(),
  arguments: values.optional(),
});

const origin = orText(
  (trust) => ({ trust }),
  strict({
    channel: z.enum(['console', 'cli', 'api', 'chat', 'email', 'ticket', 'schedule', 'agent']).default('api'),
    author: text.optional(),
    digest: text.optional(),
    trust: z.enum(['authenticated', 'organisation', 'outside']).default('authenticated'),
  }),
);

const taskShape = {
  id: text.optional(),
  agent: agent.optional(),
  delegator: delegator.optional(),
  purpose: text.optional(),
  parameters: values.optional(),
  grant: z.array(grant).optional(),
  sensitivity: z.enum(SENSITIVITIES).optional(),
  origin: origin.optional(),
  state: z.enum(TASK_STATES).optional(),
  age_seconds: count.optional(),
  expires_in_seconds: z.number().int().optional(),
  calls: count.optional(),
  used_calls: count.optional(),
  budget: strict(budgetForm.omit({ calls: true }).shape).optional(),
  used: strict({
    effects: z.partialRecord(z.enum(EFFECTS), count).optional(),
    operations: z.record(text, count).optional(),
    sums: z.array(amountForm).optional(),
  }).optional(),
  schedules: z.array(scheduleForm).optional(),
  max_hops: count.optional(),
  labels: texts.optional(),
  /** By `target:operation`; a number is how often, and all of them succeeded a minute ago. */
  did: z
    .record(
      text,
      z.union([
        count.transform((times) => ({ times })),
        strict({
          effect: z.enum(EFFECTS).optional(),
          times: count.default(1),
          succeeded: count.optional(),
          first_seconds_ago: count.optional(),
          last_seconds_ago: count.optional(),
        }),
      ]),
    )
    .optional(),
  profile: orText((name) => ({ name }), strict({ name: text, version: z.number().int().min(1).default(1) })).optional(),
};
const task = strict(taskShape);

const origins = z.array(z.enum(ARGUMENT_ORIGINS)).default([]);
/** Origins of the arguments; what is left out is of no argument. */
const flow = strict({ targets: origins, addresses: origins, settings: origins, content: origins, links: origins });

const action = orText(
  (pair) => {
    const colon = pair.indexOf(':');
    return colon === -1 ? { operation: pair } : { target: pair.slice(0, colon), operation: pair.slice(colon + 1) };
  },
  strict({
    target: text,
    operation: text,
    effect: z.enum(EFFECTS).optional(),
    resources: texts.optional(),
    sensitivity: z.enum(SENSITIVITIES).optional(),
    arguments: values.optional(),
    flow: flow.optional(),
    definition: z.enum(['builtin', 'pinned', 'quarantined', 'unknown']).optional(),
    protocol: z.boolean().optional(),
  }),
);

const token = strict({
  age_seconds: count.optional(),
  binding: z.enum(['dpop', 'mtls']).optional(),
  narrowed_to: z.array(grant).optional(),
}).nullable();

const approval = orText((by) => ({ by: [by] }), strict({ id: text.optional(), by: z.array(person).min(1) }));

/** Who attempts, under which task, and when. */
const circumstances = {
  agent: agent.optional(),
  delegator: delegator.optional(),
  task: task.nullable().optional(),
  chain: z.array(task).optional(),
  time: time.optional(),
  token: token.optional(),
  approval: approval.nullable().optional(),
};

const expectation = orText(
  (outcome) => ({ outcome }),
  strict({
    outcome: z.enum(['permit', 'deny', 'hold']),
    reasons: texts.optional(),
    policies: texts.optional(),
    controls: texts.optional(),
    approvers: texts.optional(),
    observed: texts.optional(),
    record: values.optional(),
  }),
);

const targetFacts = strict({
  sensitivity: z.enum(SENSITIVITIES).optional(),
  operations: z
    .record(z.string(), strict({ effect: z.enum(EFFECTS), sensitivity: z.enum(SENSITIVITIES).optional() }))
    .default({}),
});

const matrix = strict({
  who: z.record(name, strict(circumstances)),
  operations: z.record(name, strict({ ...circumstances, action })),
  expected: z.string().regex(/^[A-Za-z0-9][\w.-]*\.txt$/, 'expected the name of a .txt file in the same folder'),
});

const caseFileForm = strict({
  agents: z.record(z.string(), text).default({}),
  people: z.record(z.string(), strict(personShape)).default({}),
  defaults: strict({ ...circumstances, targets: z.record(z.string(), targetFacts).default({}) }).prefault({}),
  cases: z.array(strict({ name, ...circumstances, action, expect: expectation })).default([]),
  matrix: matrix.optional(),
});

type Form = z.output<typeof caseFileForm>;
export type CaseFile = Form & { file: string };
export type PolicyCase = Form['cases'][number];
export type Matrix = NonNullable<Form['matrix']>;
export type Expectation = PolicyCase['expect'];
export type Defaults = Form['defaults'];
export type AgentForm = NonNullable<Defaults['agent']>;
export type DelegatorForm = NonNullable<Defaults['delegator']>;
export type TaskForm = NonNullable<Defaults['task']>;
export type ActionForm = PolicyCase['action'];
/** What a case and a cell of a matrix have in common. */
export type Situation = Omit<PolicyCase, 'name' | 'expect'>;

/**
 * Parses a case file; `file` is what messages call it.
 *
 * @throws InvalidConfig with one line: file, line, field, what is expected, and for an unknown field the known ones.
 */
export function parseCaseFile(file: string, source: string): CaseFile {
  const form = parseYaml(file, source, caseFileForm);
  const seen = new Set<string>();
  for (const each of form.cases) {
    if (seen.has(each.name)) throw new InvalidConfig(`${file}: two cases are named \`${each.name}\`; rename one`);
    seen.add(each.name);
  }
  return { ...form, file };
}
