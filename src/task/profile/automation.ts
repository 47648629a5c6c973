import { z } from 'zod';
import type { Effect } from '../../core/effect.ts';
import type { Grant } from '../../core/grant.ts';
import type { Delegator } from '../../core/party.ts';

/** How an agent starts tasks of a profile by itself, without a person: for reading only, within limits that do not move. */
export type Automation = {
  /** On whose behalf: who answers for the profile. */
  owner: Delegator;
  /** From the start of one run to that of the next, at least. */
  everyMs: number;
  /** After so many runs in a row that were not completed, a person has to start one. */
  stopAfterFailures: number;
};

const ownerForm = z.strictObject({
  /** Absent: the only provider of people that is configured. */
  issuer: z.url().optional(),
  subject: z.string().min(1).max(255),
  name: z.string().min(1).max(200).optional(),
  email: z.string().min(3).max(320).optional(),
  /** Nobody signs in, so the provider says none. */
  groups: z.array(z.string().min(1).max(200)).max(50).default([]),
});

export const automationForm = z.strictObject({
  owner: ownerForm,
  every_minutes: z
    .number()
    .positive()
    .max(366 * 24 * 60),
  stop_after_failures: z.number().int().min(1).max(100).default(1),
});

type Automated = {
  automation?: z.output<typeof automationForm> | undefined;
  agents: string[];
  purpose?: string | undefined;
  parameters: Record<string, unknown>;
  minutes?: number | undefined;
  budget: { calls?: number | undefined };
  max_hops: number;
  approval: { task: string[]; hops: string[] };
};

/**
 * What a profile still needs so that nobody has to look at a run of it: a member and what is wrong with it. Reads alone, for
 * exact agents, for minutes, with a budget; and nobody who would have to be asked.
 */
export function automationProblems(
  { automation, agents, purpose, parameters, minutes, budget, max_hops: maxHops, approval }: Automated,
  {
    grant,
    issuers,
    effectOf,
  }: {
    grant: readonly Grant[];
    issuers: readonly string[];
    effectOf: (target: string, operation: string) => Effect | undefined;
  },
): [path: PropertyKey[], problem: string][] {
  if (automation === undefined) return [];
  const { issuer } = automation.owner;
  const changing = grant.flatMap(({ target, operations = [], effects = [] }) => [
    ...effects.filter((effect) => effect !== 'read'),
    ...operations.filter((operation) => effectOf(target, operation) !== 'read').map((name) => `${target}:${name}`),
  ]);
  const pattern = agents.findIndex((id) => id.includes('*'));
  const missing = (what: string) => `${what}: with \`automation\` it is not left to the request`;
  return [
    ...(changing.length === 0 ? [] : [of(['grant'], `an automated task reads, and \`${changing[0]}\` does more`)]),
    ...(pattern === -1 ? [] : [of(['agents', pattern], 'with `automation`, each agent is named in full')]),
    ...(purpose === undefined ? [of(['purpose'], missing('say what it is for'))] : []),
    // What a task is about vouches for what it does, and here nobody but the agent could say it.
    ...(Object.keys(parameters['properties'] ?? {}).length > 0 || parameters['additionalProperties'] !== false
      ? [of(['parameters'], 'an automated task has none')]
      : []),
    ...(minutes === undefined ? [of(['minutes'], missing('say how long it lives'))] : []),
    ...(budget.calls === undefined ? [of(['budget', 'calls'], missing('say how many calls it makes'))] : []),
    ...(maxHops > 0 ? [of(['max_hops'], 'an automated task is not handed on')] : []),
    ...(approval.task.length + approval.hops.length > 0 ? [of(['approval'], 'nobody is there to be asked')] : []),
    ...(issuer === undefined && issuers.length !== 1
      ? [of(['automation', 'owner', 'issuer'], 'is missing; there is not exactly one provider of people')]
      : []),
    ...(issuer !== undefined && !issuers.includes(issuer)
      ? [
          of(
            ['automation', 'owner', 'issuer'],
            `is no provider of people; there is ${issuers.map((each) => `\`${each}\``).join(', ')}`,
          ),
        ]
      : []),
  ];
}

const of = (path: PropertyKey[], problem: string): [PropertyKey[], string] => [path, problem];

/** @param issuers as they were when `automationProblems` found none. */
export function automationOf(
  { owner, every_minutes: minutes, stop_after_failures: stopAfterFailures }: z.output<typeof automationForm>,
  issuers: readonly string[],
): Automation {
  return {
    owner: { ...owner, issuer: owner.issuer ?? issuers[0]! },
    everyMs: Math.round(minutes * 60_000),
    stopAfterFailures,
  };
}
