import { createHash } from 'node:crypto';
import type { Action } from '../../src/core/action.ts';
import type { Decision, DecisionInput, TaskView } from '../../src/core/decision.ts';
import { EFFECTS } from '../../src/core/effect.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { Agent, Delegator } from '../../src/core/party.ts';
import type { SpiffeId } from '../../src/core/spiffe-id.ts';
import type { Task } from '../../src/core/task.ts';
import type { Pdp } from '../../src/pdp/pdp.ts';
import { createTaskSources, type OperationSources } from '../../src/provenance/task-sources.ts';
import type { Operation } from './catalogue.ts';
import type { Call, Episode, Suite } from './suite.ts';

export type Played = { call: Call; action: Action; decision: Decision };

const NOW = Date.UTC(2026, 2, 2, 12);
const MIB = 2 ** 20;
const AGENT: Agent = {
  id: 'spiffe://replay.example/agent/recorded' as SpiffeId,
  trustDomain: 'replay.example',
  attestation: 'jwt-svid',
};
const DELEGATOR: Delegator = { issuer: 'https://idp.replay.example', subject: 'delegator', groups: [] };
/** What trusted look-ups are called that nobody recorded. */
const LOOK_UP: Operation = { effect: 'read', sensitivity: 'internal', roles: {}, outsiders: false };

/**
 * Decides each call of an episode as the gateway does, by the parts that it gathers, decides and observes with: what the
 * calls before it have returned is known, and where its values come from. What the delegator wanted goes on after a hold, as
 * somebody who is asked says yes; what an attacker wanted does not happen when it is stopped.
 */
export function play(
  episode: Episode,
  target: Suite['name'],
  { pdp, catalogue }: { pdp: Pdp; catalogue: ReadonlyMap<string, Operation> },
): Played[] {
  const operationOf = (name: string): Operation => catalogue.get(name) ?? LOOK_UP;
  const sources = createTaskSources({
    store: { prompt: () => episode.prompt, declassified: () => [] },
    operation: (_target, name) => sourcesOf(operationOf(name)),
    openPrompt: (_task, text) => text,
    cap: { task: 64 * MIB, all: 64 * MIB },
  });
  const task = taskOf(episode, target);
  const labels = new Set<string>();

  /** One action: what is known of it before it is decided, and afterwards what it has returned. */
  function attempt({ tool, args }: Pick<Call, 'tool' | 'args'>, at: number) {
    const { effect, sensitivity } = operationOf(tool);
    const described: Action = {
      target,
      operation: tool,
      effect,
      resources: [],
      sensitivity,
      arguments: args,
      protocol: false,
      definition: 'pinned',
    };
    const chain: TaskView[] = [{ task, used: { calls: at }, labels: [...labels] }];
    const looked = sources.look(described, chain);
    const happens = (value: JsonValue) => {
      for (const label of looked.labels) labels.add(label);
      sources.sends(looked, { chain });
      for (const label of sources.read(looked, { id: `${at}: ${tool}`, chain, value })) labels.add(label);
    };
    return { action: looked.action, chain, happens };
  }

  for (const { args, result } of episode.lookedUp ?? []) attempt({ tool: 'look-up', args }, 0).happens(result);
  return episode.calls.map((call, at): Played => {
    if (!catalogue.has(call.tool)) throw new Error(`the catalogue has no \`${call.tool}\``);
    const { action, chain, happens } = attempt(call, at);
    const input: DecisionInput = {
      now: NOW,
      fresh: true,
      action,
      agent: AGENT,
      delegator: DELEGATOR,
      chain,
      token: { issuedAt: NOW - 1_000, binding: 'dpop', narrowedTo: task.grant },
      approval: null,
    };
    const decision = pdp.decide(input);
    if (decision.outcome === 'permit' || call.attack !== true) happens(call.result ?? null);
    return { call, action, decision };
  });
}

function sourcesOf({ outsiders, roles }: Operation): OperationSources {
  return {
    results: { outsiders, patterns: [], add: [] },
    roles,
    byPlace: false,
    opaque: false,
    targets: [],
    content: [],
  };
}

function taskOf({ id, origin, parameters, prompt }: Episode, target: string): Task {
  const digest = `sha256:${createHash('sha256').update(prompt).digest('hex')}`;
  return {
    id: `task_${id}`,
    parent: null,
    delegator: DELEGATOR,
    agent: { id: AGENT.id, trustDomain: AGENT.trustDomain },
    purpose: 'a recorded task',
    parameters,
    grant: [{ type: 'remit_grant', target, effects: [...EFFECTS] }],
    sensitivity: 'restricted',
    origin: { channel: 'chat', trust: origin, digest },
    window: { notBefore: NOW - 60_000, expiresAt: NOW + 600_000 },
    budget: { calls: 10_000 },
    maxHops: 0,
    state: 'active',
    createdAt: NOW - 60_000,
  };
}
