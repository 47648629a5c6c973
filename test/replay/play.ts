import { createHash } from 'node:crypto';
import { roleAt } from '../../src/catalogue/argument-roles.ts';
import type { Action } from '../../src/core/action.ts';
import type { Decision, DecisionInput } from '../../src/core/decision.ts';
import { EFFECTS } from '../../src/core/effect.ts';
import type { Agent, Delegator } from '../../src/core/party.ts';
import type { SpiffeId } from '../../src/core/spiffe-id.ts';
import type { Task } from '../../src/core/task.ts';
import type { Pdp } from '../../src/pdp/pdp.ts';
import { askedOf, flowOf, type RoleOf } from '../../src/provenance/flow.ts';
import { createProvenance } from '../../src/provenance/provenance.ts';
import { readingOf } from '../../src/provenance/reading.ts';
import type { Operation } from './catalogue.ts';
import type { Call, Episode, Suite } from './suite.ts';

export type Played = { call: Call; action: Action; decision: Decision };

const NOW = Date.UTC(2026, 2, 2, 12);
const AGENT: Agent = {
  id: 'spiffe://replay.example/agent/recorded' as SpiffeId,
  trustDomain: 'replay.example',
  attestation: 'jwt-svid',
};
const DELEGATOR: Delegator = { issuer: 'https://idp.replay.example', subject: 'delegator', groups: [] };

/**
 * Decides each call of an episode as the gateway would: what the calls before it have returned is known, and where its
 * values come from. Whatever the delegator wanted goes on after a hold, as somebody who is asked says yes; what an
 * attacker wanted does not happen when it is stopped.
 */
export function play(
  episode: Episode,
  target: Suite['name'],
  { pdp, catalogue }: { pdp: Pdp; catalogue: ReadonlyMap<string, Operation> },
): Played[] {
  const provenance = createProvenance({ promptLast: episode.origin === 'outside' });
  const labels = new Set<string>();
  provenance.add({ id: 'prompt', origin: 'prompt' }, episode.prompt);
  provenance.add({ id: 'parameters', origin: 'parameters' }, episode.parameters);
  for (const { result } of episode.lookedUp ?? []) provenance.add({ id: 'look-up', origin: 'trusted' }, result);
  const task = taskOf(episode, target);
  return episode.calls.map((call, at): Played => {
    const operation = catalogue.get(call.tool);
    const roleOf: RoleOf = (path, value) => roleAt(operation?.roles ?? {}, path, value);
    const flow = flowOf(provenance, call.args, roleOf);
    const action: Action = {
      target,
      operation: call.tool,
      effect: operation?.effect ?? 'execute',
      resources: [],
      sensitivity: operation?.sensitivity ?? 'restricted',
      arguments: call.args,
      flow,
      protocol: false,
      definition: operation === undefined ? 'unknown' : 'pinned',
    };
    const view = { task, used: { calls: at }, labels: [...labels] };
    const input: DecisionInput = {
      now: NOW,
      fresh: true,
      action,
      agent: AGENT,
      delegator: DELEGATOR,
      chain: [view],
      token: { issuedAt: NOW - 1_000, binding: 'dpop', narrowedTo: task.grant },
      approval: null,
    };
    const decision = pdp.decide(input);
    const happens = decision.outcome === 'permit' || call.attack !== true;
    if (happens && operation !== undefined && call.result !== undefined) {
      const reading = readingOf(askedOf(flow), {
        outsiders: operation.outsiders,
        exposed: labels.has('origin:outsiders'),
      });
      provenance.sent(call.args, provenance.of(call.args));
      provenance.add({ id: `${at}: ${call.tool}`, origin: reading }, call.result);
      labels.add(`sensitivity:${operation.sensitivity}`);
      if (reading !== 'trusted') labels.add('origin:outsiders');
    }
    return { call, action, decision };
  });
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
