import type { Action, ArgumentOrigin } from '../../src/core/action.ts';
import type { DecisionInput, TaskView } from '../../src/core/decision.ts';
import type { Catalogue } from '../../src/pdp/schema/catalogue.ts';
import type { Agent } from '../../src/core/party.ts';
import { alice, NOW, sampleInput, sampleTask, summariser } from '../fixtures/task.ts';

/** Ten policies of the kinds that a set has: by effect, by sensitivity, by argument, by time, with approval, observed. */
export const TEN = `
@id("read-in-task") permit (principal, action in Action::"read", resource) when { context has task };
@id("change-in-task") permit (principal, action in [Action::"write", Action::"delete"], resource)
  when { context has task && context.task.sensitivity.level >= context.sensitivity.level };
@id("no-restricted-for-outsiders") forbid (principal, action, resource)
  when { context.sensitivity.level >= 3 && context has origin && context.origin.trust != "authenticated" };
@id("deletes-are-approved") @approval("note-owners") forbid (principal, action in Action::"delete", resource);
@id("young-tokens-only") forbid (principal, action, resource) when { context has token && context.token.age_seconds > 900 };
@id("sends-go-where-the-prompt-says") forbid (principal, action in Action::"send", resource)
  unless { context has provenance && context.provenance has recipient && context.provenance.recipient == "prompt" };
@id("amounts") forbid (principal, action in Action::"write", resource)
  when { context.args has amount && context.args.amount > 1000 };
@id("after-outside-text-nothing-leaves") forbid (principal, action in [Action::"send", Action::"mint"], resource)
  when { context has task && context.task has labels && context.task.labels.contains("untrusted") };
@id("deep-chains-read") forbid (principal, action, resource)
  when { context has task && context.task.depth > 3 } unless { action in Action::"read" };
@id("quiet-hours") @observe forbid (principal, action in Action::"write", resource)
  when { context.now.hour < 6 || context.now.weekday > 5 };
`;

const TARGETS = 100;
const OPERATIONS = 40;
const GROUPS = 200;

/** Ten thousand more, each for one agent group, one target, or one operation. */
export function manyPolicies(count: number): string {
  const lines: string[] = [];
  for (let n = 0; n < count; n++) {
    const place = Math.floor(n / 3);
    const head =
      n % 3 === 0
        ? `principal in Group::"agents-${place % GROUPS}", action == Action::"target-${Math.floor(place / GROUPS) % TARGETS}:operation-${place % OPERATIONS}", resource`
        : n % 3 === 1
          ? `principal in Group::"agents-${Math.floor(place / TARGETS) % GROUPS}", action, resource in Target::"target-${place % TARGETS}"`
          : `principal, action == Action::"target-${place % TARGETS}:operation-${Math.floor(place / TARGETS)}", resource`;
    const limit = `context.args has amount && context.args.amount > ${10_000 + n}`;
    lines.push(`@id("many-${n}") @reason("limit ${n}") forbid (${head}) when { ${limit} };`);
  }
  return lines.join('\n');
}

/** Policies that all apply to every request: what the index cannot leave out. */
export function sharedPolicies(count: number): string {
  return Array.from(
    { length: count },
    (_none, n) =>
      `forbid (principal, action, resource) when { context.args has amount && context.args.amount > ${10_000 + n} };`,
  ).join('\n');
}

const PROVENANCE: Record<string, ArgumentOrigin> = {
  path: 'prompt',
  recipient: 'prompt',
  subject: 'trusted',
  body: 'untrusted',
  amount: 'parameters',
  currency: 'parameters',
  tags: 'trusted',
  urgent: 'unseen',
};

/** Inputs with everything that a policy can see: three hops, groups, labels, eight arguments with provenance. */
export function fullInputs(): DecisionInput[] {
  return Array.from({ length: 64 }, (_none, n) => {
    const target = `target-${n % TARGETS}`;
    const agent: Agent = {
      ...summariser,
      groups: [`agents-${n % GROUPS}`, `agents-${(n * 7) % GROUPS}`, 'summarisers'],
    };
    const grant = {
      type: 'remit_grant' as const,
      target,
      effects: ['read' as const, 'write' as const],
      resources: ['file:notes/**'],
    };
    const chain: TaskView[] = Array.from({ length: 4 }, (_none, level) => ({
      task: sampleTask({ id: `task_${n}_${level}`, grant: [grant], maxHops: level, parameters: { order: n } }),
      used: { calls: level },
      labels: ['internal', 'reviewed', `target:${target}`, 'trusted'],
    }));
    const action: Action = {
      target,
      operation: `operation-${n % OPERATIONS}`,
      effect: n % 4 === 0 ? 'write' : 'read',
      resources: [`file:notes/${n}.md`],
      sensitivity: 'internal',
      arguments: {
        path: `notes/${n}.md`,
        recipient: 'alice@example.test',
        subject: 'the weekly summary',
        body: 'what happened this week, at some length',
        amount: n,
        currency: 'EUR',
        tags: ['weekly', 'summary'],
        urgent: false,
      },
      provenance: PROVENANCE,
      protocol: false,
      definition: 'pinned',
    };
    return sampleInput({
      action,
      agent,
      delegator: { ...alice, groups: ['staff', 'note-takers', 'europe', 'finance', 'everyone'] },
      chain,
      token: { issuedAt: NOW - 1000, binding: 'dpop', narrowedTo: [grant] },
    });
  });
}

/** What the policies name: each operation takes the arguments of `fullInputs`. */
export function fullCatalogue(): Catalogue {
  const input = {
    type: 'object',
    properties: {
      path: { type: 'string' },
      recipient: { type: 'string' },
      subject: { type: 'string' },
      body: { type: 'string' },
      amount: { type: 'integer' },
      currency: { type: 'string' },
      tags: { type: 'array', items: { type: 'string' } },
      urgent: { type: 'boolean' },
    },
    required: ['path'],
  };
  const effects = ['read', 'write', 'delete', 'send'] as const;
  return {
    targets: Array.from({ length: TARGETS }, (_none, target) => ({
      name: `target-${target}`,
      operations: Array.from({ length: OPERATIONS }, (_none, n) => ({
        name: `operation-${n}`,
        effect: effects[n % effects.length]!,
        input,
      })),
    })),
    groups: Array.from({ length: GROUPS }, (_none, n) => `agents-${n}`),
    trustDomains: ['remit.local'],
  };
}
