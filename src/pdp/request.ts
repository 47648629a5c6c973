import type { CedarValueJson, EntityJson, EntityUidJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { Action } from '../core/action.ts';
import type { DecisionInput } from '../core/decision.ts';
import { delegatorId, type Agent, type Delegator } from '../core/party.ts';
import { sensitivityLevel } from '../core/sensitivity.ts';
import { toCedarRecord } from './cedar-value.ts';

/**
 * A decision's input in Cedar's terms. This is the one place where Cedar's *principal* is named: an action is evaluated
 * once with the acting agent as principal and once with the delegator, and both must be permitted.
 */
export type CedarRequest = {
  /** One evaluation for each combination of principal and resource. */
  principals: TypeAndId[];
  action: TypeAndId;
  resources: TypeAndId[];
  context: Record<string, CedarValueJson>;
  entities: EntityJson[];
};

/** @throws CannotMap when an argument cannot be shown to policy as it is. */
export function cedarRequest(input: DecisionInput): CedarRequest {
  const principals = [
    ...(input.agent === null ? [] : [agentUid(input.agent.id)]),
    ...(input.delegator === null ? [] : [personUid(input.delegator)]),
  ];
  const { action } = input;
  return {
    principals,
    action: actionUid(action),
    resources: action.resources.length === 0 ? [targetUid(action.target)] : action.resources.map(resourceUid(action)),
    context: contextOf(input),
    entities: entitiesOf(input),
  };
}

function agentUid(id: string): TypeAndId {
  return { type: 'Agent', id };
}
function personUid(person: Delegator): TypeAndId {
  return { type: 'Person', id: delegatorId(person) };
}
function targetUid(name: string): TypeAndId {
  return { type: 'Target', id: name };
}
/** Operation names are free text; the target's name has no colon, so the pair is unambiguous. */
function actionUid(action: Pick<Action, 'target' | 'operation'>): TypeAndId {
  return { type: 'Action', id: `${action.target}:${action.operation}` };
}
function resourceUid(action: Action): (name: string) => TypeAndId {
  return (name) => ({ type: 'Resource', id: `${action.target}:${name}` });
}

function entitiesOf(input: DecisionInput): EntityJson[] {
  const { action, agent, delegator } = input;
  const sensitivity = sensitivityRecord(action.sensitivity);
  const entities: EntityJson[] = [
    { uid: actionUid(action), attrs: {}, parents: [{ type: 'Action', id: action.effect }] },
    { uid: { type: 'Action', id: action.effect }, attrs: {}, parents: [] },
    { uid: targetUid(action.target), attrs: { name: action.target, sensitivity }, parents: [] },
    ...action.resources.map((name) => ({
      uid: resourceUid(action)(name),
      attrs: { name, sensitivity },
      parents: [targetUid(action.target)],
    })),
  ];
  const agents = new Map<string, EntityJson>();
  if (agent !== null) agents.set(agent.id, agentEntity(agent));
  for (const { task } of input.chain) {
    if (!agents.has(task.agent.id)) agents.set(task.agent.id, agentEntity(task.agent));
  }
  entities.push(...agents.values());
  if (delegator !== null) entities.push(...personEntities(delegator));
  return distinct(entities);
}

function agentEntity(agent: Pick<Agent, 'id' | 'trustDomain'> & { attestation?: string }): EntityJson {
  return {
    uid: agentUid(agent.id),
    attrs: {
      spiffe_id: agent.id,
      trust_domain: agent.trustDomain,
      ...(agent.attestation === undefined ? {} : { attestation: agent.attestation }),
    },
    parents: [{ type: 'TrustDomain', id: agent.trustDomain }],
  };
}

function personEntities(person: Delegator): EntityJson[] {
  return [
    {
      uid: personUid(person),
      attrs: {
        issuer: person.issuer,
        subject: person.subject,
        ...(person.email === undefined ? {} : { email: person.email }),
        ...(person.acr === undefined ? {} : { acr: person.acr }),
        amr: person.amr ?? [],
      },
      parents: person.groups.map((id) => ({ type: 'Group', id })),
    },
    ...person.groups.map((id) => ({ uid: { type: 'Group', id }, attrs: {}, parents: [] })),
  ];
}

/** Cedar refuses an entity that is listed twice, and two resources may have one name. */
function distinct(entities: EntityJson[]): EntityJson[] {
  const byUid = new Map<string, EntityJson>();
  for (const entity of entities) byUid.set(JSON.stringify(entity.uid), entity);
  return [...byUid.values()];
}

function contextOf(input: DecisionInput): Record<string, CedarValueJson> {
  const { action, chain, delegator, token, now } = input;
  const acting = chain[0];
  return {
    args: toCedarRecord(action.arguments),
    sensitivity: sensitivityRecord(action.sensitivity),
    now: nowRecord(now),
    approved: input.approval !== null,
    ...(delegator === null ? {} : { delegator: entityRef(personUid(delegator)) }),
    ...(token === null
      ? {}
      : { token: { age_seconds: Math.max(0, Math.floor((now - token.issuedAt) / 1000)), binding: token.binding } }),
    ...(acting === undefined
      ? {}
      : {
          task: {
            id: acting.task.id,
            delegator: entityRef(personUid(acting.task.delegator)),
            agent: entityRef(agentUid(acting.task.agent.id)),
            purpose: acting.task.purpose,
            parameters: toCedarRecord(acting.task.parameters),
            sensitivity: sensitivityRecord(acting.task.sensitivity),
            age_seconds: Math.max(0, Math.floor((now - acting.task.createdAt) / 1000)),
            calls: acting.used.calls,
            depth: chain.length - 1,
          },
          origin: {
            channel: acting.task.origin.channel,
            trust: acting.task.origin.trust,
            ...(acting.task.origin.author === undefined ? {} : { author: acting.task.origin.author }),
            ...(acting.task.origin.digest === undefined ? {} : { digest: acting.task.origin.digest }),
          },
          chain: chain.map(({ task }) => entityRef(agentUid(task.agent.id))),
        }),
  };
}

function sensitivityRecord(sensitivity: Action['sensitivity']): CedarValueJson {
  return { name: sensitivity, level: sensitivityLevel(sensitivity) };
}

function nowRecord(now: number): CedarValueJson {
  const date = new Date(now);
  return {
    time: { __extn: { fn: 'datetime', arg: date.toISOString() } },
    hour: date.getUTCHours(),
    /** 1 for Monday … 7 for Sunday (ISO 8601). */
    weekday: date.getUTCDay() === 0 ? 7 : date.getUTCDay(),
  };
}

function entityRef(uid: TypeAndId): { __entity: TypeAndId } & EntityUidJson {
  return { __entity: uid };
}
