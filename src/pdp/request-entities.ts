import type { Action } from '../core/action.ts';
import type { DecisionInput } from '../core/decision.ts';
import type { Effect } from '../core/effect.ts';
import { sameDelegator, type Agent, type Delegator } from '../core/party.ts';
import type { Sensitivity } from '../core/sensitivity.ts';
import type { Entities, Entity } from './cedar/entities.ts';
import { CedarSet, Datetime, EagerRecord, EntityUid } from './cedar/value.ts';
import { Facts, SENSITIVITIES, table } from './facts.ts';
import { actionUid, agentUid, groupUid, personUid, resourceUid, targetUid } from './uids.ts';

const EMPTY = new EagerRecord([]);
const BARE: Entity = { attrs: EMPTY, tags: EMPTY, ancestors: [] };

const EFFECT_MEMBERS: Readonly<Record<Effect, Entity>> = {
  read: memberOfEffect('read'),
  write: memberOfEffect('write'),
  delete: memberOfEffect('delete'),
  send: memberOfEffect('send'),
  mint: memberOfEffect('mint'),
  execute: memberOfEffect('execute'),
  delegate: memberOfEffect('delegate'),
};

function memberOfEffect(effect: Effect): Entity {
  return { attrs: EMPTY, tags: EMPTY, ancestors: [new EntityUid('Action', effect)] };
}

/** The entities of one request: whatever else a policy names is known to have neither attributes nor parents. */
export class RequestEntities implements Entities {
  readonly #input: DecisionInput;
  readonly #agent: Party | null;
  readonly #person: Party | null;
  readonly #action: EntityUid;
  readonly #target: EntityUid;
  #targetEntity: Entity | undefined;
  #resource: EntityUid | undefined;
  #resourceEntity: Entity | undefined;

  constructor(input: DecisionInput, agent: Party | null, person: Party | null, action: EntityUid, target: EntityUid) {
    this.#input = input;
    this.#agent = agent;
    this.#person = person;
    this.#action = action;
    this.#target = target;
  }

  get(uid: EntityUid): Entity | undefined {
    const { action, chain } = this.#input;
    switch (uid.type) {
      case 'Action':
        // The request's action alone is in a group; groups are in none.
        if (this.#action.is(uid)) return EFFECT_MEMBERS[action.effect];
        return uid.id === action.effect ? BARE : undefined;
      case 'Agent': {
        if (this.#agent?.uid.is(uid) === true) return this.#agent.entity;
        const hop = chain.find(({ task }) => task.agent.id === uid.id);
        return hop === undefined ? undefined : agentEntity(hop.task.agent);
      }
      case 'Person':
        return this.#person?.uid.is(uid) === true ? this.#person.entity : this.#ownerEntity(uid);
      case 'Target':
        return this.#target.is(uid) ? (this.#targetEntity ??= targetEntity(action)) : undefined;
      case 'Resource':
        return this.#resource === uid ? this.#resourceEntity : this.#resourceOf(uid);
      default:
        return undefined;
    }
  }

  /** Of an owner who is not the delegator, nothing but the name is known. */
  #ownerEntity(uid: EntityUid): Entity | undefined {
    const owner = ownerOf(this.#input.agent);
    return owner !== null && personUid(owner).is(uid) ? personEntity({ ...owner, groups: [] }) : undefined;
  }

  /** Every entity that `get` knows, for an engine that wants them all at once. */
  list(): { uid: EntityUid; entity: Entity }[] {
    const { action, agent, delegator, chain } = this.#input;
    const owner = ownerOf(agent);
    const agents = new Set([...(agent === null ? [] : [agent.id]), ...chain.map(({ task }) => task.agent.id)]);
    const uids = [
      new EntityUid('Action', action.effect),
      actionUid(action),
      targetUid(action.target),
      ...new Set(action.resources).values().map((name) => resourceUid(action.target, name)),
      ...[...agents].map(agentUid),
      ...(delegator === null ? [] : [personUid(delegator)]),
      ...(owner === null || (delegator !== null && sameDelegator(owner, delegator)) ? [] : [personUid(owner)]),
    ];
    return uids.map((uid) => ({ uid, entity: this.get(uid)! }));
  }

  #resourceOf(uid: EntityUid): Entity | undefined {
    const { action } = this.#input;
    const name = action.resources.find((resource) => isPair(uid.id, action.target, resource));
    if (name === undefined) return undefined;
    // The one that is evaluated now is asked for by every policy.
    this.#resource = uid;
    return (this.#resourceEntity = resourceEntity(action, name, this.#target));
  }
}

/** Whether `id` is the two texts with a colon between, without putting them together. */
function isPair(id: string, first: string, second: string): boolean {
  return (
    id.length === first.length + 1 + second.length &&
    id.charCodeAt(first.length) === COLON &&
    id.endsWith(second) &&
    id.startsWith(first)
  );
}

const COLON = 0x3a;

export type Party = { uid: EntityUid; entity: Entity };

/** What is made of a party stays from one request to the next, as long as the party does. A party is never changed. */
const AGENTS = new WeakMap<Agent, Party>();
const PERSONS = new WeakMap<Delegator, Party>();

export function actorOf(agent: Agent): Party {
  return made(AGENTS, agent, agentParty);
}

export function personOf(person: Delegator): Party {
  return made(PERSONS, person, personParty);
}

function made<Of extends object>(known: WeakMap<Of, Party>, of: Of, make: (of: Of) => Party): Party {
  let party = known.get(of);
  if (party === undefined) known.set(of, (party = make(of)));
  return party;
}

function agentParty(agent: Agent): Party {
  return { uid: agentUid(agent.id), entity: agentEntity(agent) };
}

function personParty(person: Delegator): Party {
  return { uid: personUid(person), entity: personEntity(person) };
}

function ownerOf(agent: Agent | null): Pick<Delegator, 'issuer' | 'subject'> | null {
  return agent?.owner !== undefined && 'subject' in agent.owner ? agent.owner : null;
}

function agentEntity(agent: AgentFacts): Entity {
  const ancestors = [new EntityUid('TrustDomain', agent.trustDomain)];
  if (agent.groups !== undefined) for (const group of agent.groups) ancestors.push(groupUid(group));
  return { attrs: new Facts(AGENT, agent), tags: EMPTY, ancestors };
}

function personEntity(person: Delegator): Entity {
  return { attrs: new Facts(PERSON, person), tags: EMPTY, ancestors: person.groups.map(groupUid) };
}

function targetEntity(action: Action): Entity {
  const { target: name, sensitivity } = action;
  return { attrs: new Facts(THING, { name, sensitivity }), tags: EMPTY, ancestors: [] };
}

function resourceEntity({ sensitivity }: Action, name: string, target: EntityUid): Entity {
  return { attrs: new Facts(THING, { name, sensitivity }), tags: EMPTY, ancestors: [target] };
}

type AgentFacts = Pick<Agent, 'id' | 'trustDomain' | 'groups' | 'state' | 'owner'> & {
  /** Absent of an agent of the chain that does not act: nothing of it but its name is looked up. */
  attestation?: string;
};

const AGENT = table<AgentFacts>({
  spiffe_id: ({ id }) => id,
  trust_domain: ({ trustDomain }) => trustDomain,
  attestation: ({ attestation }) => attestation,
  registered: ({ attestation, state }) => (attestation === undefined ? undefined : state === 'active'),
  owner: ({ owner }) => (owner !== undefined && 'subject' in owner ? personUid(owner) : undefined),
  owner_group: ({ owner }) => (owner !== undefined && 'group' in owner ? groupUid(owner.group) : undefined),
});

const PERSON = table<Delegator>({
  issuer: ({ issuer }) => issuer,
  subject: ({ subject }) => subject,
  email: ({ email }) => email,
  acr: ({ acr }) => acr,
  auth_time: ({ authTime }) => (authTime === undefined ? undefined : new Datetime(authTime * 1000)),
  amr: ({ amr }) => new CedarSet(amr ?? []),
});

/** A target, and a resource of it. */
const THING = table<{ name: string; sensitivity: Sensitivity }>({
  name: ({ name }) => name,
  sensitivity: ({ sensitivity }) => SENSITIVITIES[sensitivity],
});
