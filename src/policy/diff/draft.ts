import type { ArgumentFlow, ArgumentOrigin } from '../../core/action.ts';
import { approvalRule, type ApprovalRule } from '../../core/approval-rule.ts';
import type { DecisionInput } from '../../core/decision.ts';
import type { Left } from '../../core/budget.ts';
import { EFFECTS, type Effect } from '../../core/effect.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Agent, Delegator } from '../../core/party.ts';
import type { Sensitivity } from '../../core/sensitivity.ts';
import type { SpiffeId } from '../../core/spiffe-id.ts';
import type { PromptOrigin, Task } from '../../core/task.ts';
import type { Done } from '../../core/trail.ts';

/** A request in the making. Everything that comes before policy is out of its way. */
export type Draft = {
  /** Who asks: an agent under a task, or at Remit's own API a person or an agent alone. */
  caller: 'task' | 'person' | 'agent';
  action: { target: string; operation: string; effect: Effect };
  resource: string | null;
  sensitivity: Sensitivity;
  arguments: JsonObject;
  provenance: JsonObject;
  flow: Record<keyof ArgumentFlow, ArgumentOrigin[]> | null;
  agent: { id: string; groups: string[]; attestation: Agent['attestation'] };
  person: Delegator;
  /** Milliseconds since the epoch. */
  time: number;
  token: { age: number; binding: 'dpop' | 'mtls' } | null;
  /** Ages in seconds. */
  task: {
    id: string;
    purpose: string;
    age: number;
    calls: number;
    profile: { name: string; version: number } | null;
    /** Of budgets; `null` where nothing bounds it. */
    left: Partial<Record<keyof Left, number | null>>;
    parameters: JsonObject;
    sensitivity: Sensitivity;
    labels: string[] | null;
    done: Record<string, Done>;
  };
  root: { age: number; calls: number; purpose: string; agent: string };
  depth: number;
  origin: PromptOrigin;
  /** The rule that has been met. */
  approvedBy: string | null;
};

/** A Monday, during the day. */
export const MONDAY_10 = Date.UTC(2026, 10, 23, 10, 0, 0);

export function plainDraft(action: Draft['action']): Draft {
  return {
    caller: 'task',
    action,
    resource: null,
    sensitivity: 'internal',
    arguments: {},
    provenance: {},
    flow: null,
    agent: { id: 'spiffe://trust-domain.example/agent/any', groups: [], attestation: 'jwt-svid' },
    person: { issuer: 'https://issuer.example', subject: 'anybody', groups: [] },
    time: MONDAY_10,
    token: { age: 0, binding: 'dpop' },
    task: {
      id: 'task_any',
      purpose: 'any purpose',
      age: 0,
      calls: 0,
      profile: null,
      left: {},
      parameters: {},
      sensitivity: 'restricted',
      labels: null,
      done: {},
    },
    root: { age: 0, calls: 0, purpose: 'any purpose', agent: 'spiffe://trust-domain.example/agent/first' },
    depth: 0,
    origin: { channel: 'api', trust: 'authenticated' },
    approvedBy: null,
  };
}

const COUNTED = 'an amount that is counted';

export function inputOf(draft: Draft): DecisionInput {
  const { action, time: now, caller, person } = draft;
  const agent: Agent = {
    id: draft.agent.id as SpiffeId,
    trustDomain: trustDomainOf(draft.agent.id),
    attestation: draft.agent.attestation,
    ...(draft.agent.groups.length === 0 ? {} : { groups: draft.agent.groups }),
  };
  return {
    now,
    fresh: true,
    action: {
      ...action,
      resources: draft.resource === null ? [] : [draft.resource],
      sensitivity: draft.sensitivity,
      // A sum over an argument needs one that can be counted.
      arguments: draft.task.left.sum == null ? draft.arguments : { ...draft.arguments, [COUNTED]: 0 },
      protocol: false,
      definition: 'pinned',
      ...(draft.flow === null ? {} : { flow: draft.flow }),
      ...(Object.keys(draft.provenance).length === 0 ? {} : { provenance: draft.provenance as Record<string, never> }),
    },
    agent: caller === 'person' ? null : agent,
    delegator: caller === 'agent' ? null : person,
    chain: caller === 'task' ? chainOf(draft) : [],
    token:
      draft.token === null
        ? null
        : {
            issuedAt: now - draft.token.age * 1000,
            binding: draft.token.binding,
            narrowedTo: [everything(action.target)],
          },
    approval:
      draft.approvedBy === null
        ? null
        : {
            id: 'apr_any',
            approvers: peopleOf(approvalRule(draft.approvedBy)),
          },
  };
}

/** As many as the rule asks for, of whatever it names. */
function peopleOf({ people, names, acrValues: [acr] }: ApprovalRule): Delegator[] {
  return Array.from({ length: people }, (_none, place) => ({
    issuer: 'https://issuer.example',
    subject: names[place] ?? `approver ${place + 1}`,
    groups: names,
    ...(acr === undefined ? {} : { acr }),
  }));
}

function everything(target: string) {
  return { type: 'remit_grant' as const, target, effects: [...EFFECTS] };
}

function chainOf(draft: Draft): DecisionInput['chain'] {
  const { task, root, depth } = draft;
  const view = (level: number): DecisionInput['chain'][number] => {
    const own = level === 0 ? task : root;
    const id = level === 0 ? draft.agent.id : level === depth ? root.agent : `${root.agent}-${level}`;
    const made: Task = {
      id: level === 0 ? task.id : `${task.id}-${level}`,
      parent: level === depth ? null : `${task.id}-${level + 1}`,
      delegator: draft.person,
      agent: { id: id as SpiffeId, trustDomain: trustDomainOf(id) },
      purpose: own.purpose,
      parameters: task.parameters,
      grant: [everything(draft.action.target)],
      sensitivity: level === 0 ? task.sensitivity : 'restricted',
      origin: draft.origin,
      window: { notBefore: 0, expiresAt: Number.MAX_SAFE_INTEGER },
      budget: budgetOf(draft, own.calls),
      maxHops: depth - level,
      ...(task.profile === null ? {} : { profile: { ...task.profile, digest: 'sha256:any' } }),
      state: 'active',
      createdAt: draft.time - own.age * 1000,
    };
    return {
      task: made,
      used: { calls: own.calls, counters: {} },
      ...(level > 0 || task.labels === null ? {} : { labels: task.labels }),
      ...(level > 0 ? {} : { done: task.done }),
    };
  };
  return Array.from({ length: depth + 1 }, (_none, level) => view(level));
}

/** A budget that has left what the draft says. */
function budgetOf({ task: { left }, action }: Draft, calls: number): Task['budget'] {
  const { effect, operation, sum } = left;
  const about = { target: action.target, operations: [action.operation], argument: `/${COUNTED}` };
  return {
    calls: left.calls == null ? Number.MAX_SAFE_INTEGER : calls + left.calls,
    ...(effect == null ? {} : { effects: { [action.effect]: effect } }),
    ...(operation == null ? {} : { operations: { [`${action.target}:${action.operation}`]: operation } }),
    ...(sum == null ? {} : { sums: [{ ...about, atMost: Math.round(sum * 10_000) }] }),
  };
}

export function trustDomainOf(id: string): string {
  return id.replace('spiffe://', '').split('/')[0]!;
}

/** Sets a member deep in an object, its owners made where they are missing. */
export function setAt(object: JsonObject, path: readonly string[], value: JsonValue): void {
  let owner = object;
  for (const name of path.slice(0, -1)) {
    const next = Object.hasOwn(owner, name) ? owner[name] : undefined;
    owner = typeof next === 'object' && next !== null && !Array.isArray(next) ? next : define(owner, name, {});
  }
  define(owner, path.at(-1)!, value);
}

/** Also for a name of `Object.prototype`. */
function define<Value extends JsonValue>(owner: JsonObject, name: string, value: Value): Value {
  Object.defineProperty(owner, name, { value, enumerable: true, configurable: true, writable: true });
  return value;
}
