import type { Action } from '../core/action.ts';
import type { DecisionInput, TaskView } from '../core/decision.ts';
import type { Effect } from '../core/effect.ts';
import { delegatorId, type Agent, type Delegator } from '../core/party.ts';
import { sensitivityLevel, type Sensitivity } from '../core/sensitivity.ts';
import type { PromptOrigin } from '../core/task.ts';
import { JsonRecord } from './arguments.ts';
import type { Entities, Entity } from './cedar/entities.ts';
import { CedarSet, Datetime, EagerRecord, EntityUid, type CedarRecord, type Value } from './cedar/value.ts';

/**
 * A decision's input in Cedar's terms. This is the one place where Cedar's *principal* is named: an action is evaluated
 * once with the acting agent as principal and once with the delegator, and both must be permitted. Entities and context
 * are made when a policy looks at them: most decisions touch few.
 */
export class CedarRequest {
  /** One evaluation for each combination of principal and resource. */
  readonly principals: readonly EntityUid[];
  readonly action: EntityUid;
  readonly resources: readonly EntityUid[];
  readonly context: CedarRecord;
  readonly entities: RequestEntities;

  constructor(input: DecisionInput) {
    const { agent, delegator, action } = input;
    const principals: EntityUid[] = [];
    if (agent !== null) principals.push(agentUid(agent.id));
    if (delegator !== null) principals.push(personUid(delegator));
    this.principals = principals;
    this.action = actionUid(action);
    this.resources =
      action.resources.length === 0
        ? [targetUid(action.target)]
        : action.resources.map((name) => resourceUid(action.target, name));
    this.context = new RequestContext(input);
    this.entities = new RequestEntities(input);
  }
}

export function agentUid(id: string): EntityUid {
  return new EntityUid('Agent', id);
}
export function personUid(person: Pick<Delegator, 'issuer' | 'subject'>): EntityUid {
  return new EntityUid('Person', delegatorId(person));
}
export function targetUid(name: string): EntityUid {
  return new EntityUid('Target', name);
}
/** Operation names are free text; the target's name has no colon, so the pair is unambiguous. */
export function actionUid({ target, operation }: Pick<Action, 'target' | 'operation'>): EntityUid {
  return new EntityUid('Action', `${target}:${operation}`);
}
export function resourceUid(target: string, name: string): EntityUid {
  return new EntityUid('Resource', `${target}:${name}`);
}
function groupUid(name: string): EntityUid {
  return new EntityUid('Group', name);
}

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
  readonly #made = new Map<string, Entity>();

  constructor(input: DecisionInput) {
    this.#input = input;
  }

  get(uid: EntityUid): Entity | undefined {
    const { action, agent, delegator } = this.#input;
    switch (uid.type) {
      case 'Action':
        // The request's action alone is in a group; groups are in none.
        return uid.id === action.effect
          ? BARE
          : isPair(uid.id, action.target, action.operation)
            ? EFFECT_MEMBERS[action.effect]
            : undefined;
      case 'Agent':
        return this.#agent(uid.id, agent);
      case 'Person':
        return delegator !== null && isPair(uid.id, delegator.issuer, delegator.subject, '|')
          ? this.#once('person', () => personEntity(delegator))
          : undefined;
      case 'Target':
        return uid.id === action.target ? this.#once('target', () => targetEntity(action)) : undefined;
      case 'Resource':
        return this.#resource(uid.id);
      default:
        return undefined;
    }
  }

  /** Every entity that `get` knows, for an engine that wants them all at once. */
  list(): { uid: EntityUid; entity: Entity }[] {
    const { action, agent, delegator, chain } = this.#input;
    const agents = new Set([...(agent === null ? [] : [agent.id]), ...chain.map(({ task }) => task.agent.id)]);
    const uids = [
      new EntityUid('Action', action.effect),
      actionUid(action),
      targetUid(action.target),
      ...new Set(action.resources).values().map((name) => resourceUid(action.target, name)),
      ...[...agents].map(agentUid),
      ...(delegator === null ? [] : [personUid(delegator)]),
    ];
    return uids.map((uid) => ({ uid, entity: this.get(uid)! }));
  }

  #agent(id: string, acting: Agent | null): Entity | undefined {
    if (acting !== null && acting.id === id) return this.#once('agent', () => agentEntity(acting));
    const hop = this.#input.chain.find(({ task }) => task.agent.id === id);
    return hop === undefined ? undefined : this.#once(`agent ${id}`, () => agentEntity(hop.task.agent));
  }

  #resource(id: string): Entity | undefined {
    const { action } = this.#input;
    const name = action.resources.find((resource) => isPair(id, action.target, resource));
    return name === undefined ? undefined : this.#once(`resource ${name}`, () => resourceEntity(action, name));
  }

  #once(key: string, make: () => Entity): Entity {
    let entity = this.#made.get(key);
    if (entity === undefined) this.#made.set(key, (entity = make()));
    return entity;
  }
}

/** Whether `id` is the two texts with a separator between, without putting them together. */
function isPair(id: string, first: string, second: string, separator = ':'): boolean {
  return (
    id.length === first.length + 1 + second.length &&
    id.endsWith(second) &&
    id.startsWith(first) &&
    id[first.length] === separator
  );
}

function agentEntity(agent: Pick<Agent, 'id' | 'trustDomain' | 'groups'> & { attestation?: string }): Entity {
  return {
    attrs: record({ spiffe_id: agent.id, trust_domain: agent.trustDomain, attestation: agent.attestation }),
    tags: EMPTY,
    ancestors: [new EntityUid('TrustDomain', agent.trustDomain), ...(agent.groups ?? []).map(groupUid)],
  };
}

function personEntity(person: Delegator): Entity {
  return {
    attrs: record({
      issuer: person.issuer,
      subject: person.subject,
      email: person.email,
      acr: person.acr,
      amr: new CedarSet(person.amr ?? []),
    }),
    tags: EMPTY,
    ancestors: person.groups.map(groupUid),
  };
}

function targetEntity(action: Action): Entity {
  return {
    attrs: record({ name: action.target, sensitivity: SENSITIVITIES[action.sensitivity] }),
    tags: EMPTY,
    ancestors: [],
  };
}

function resourceEntity(action: Action, name: string): Entity {
  return {
    attrs: record({ name, sensitivity: SENSITIVITIES[action.sensitivity] }),
    tags: EMPTY,
    ancestors: [targetUid(action.target)],
  };
}

const SENSITIVITIES: Readonly<Record<Sensitivity, CedarRecord>> = {
  public: sensitivityRecord('public'),
  internal: sensitivityRecord('internal'),
  confidential: sensitivityRecord('confidential'),
  restricted: sensitivityRecord('restricted'),
};

function sensitivityRecord(name: Sensitivity): CedarRecord {
  return record({ name, level: sensitivityLevel(name) });
}

/** A record without the members that are `undefined`. */
function record(members: Record<string, Value | undefined>): CedarRecord {
  return new EagerRecord(
    Object.entries(members).filter((member): member is [string, Value] => member[1] !== undefined),
  );
}

/** A record whose members are made on first sight. */
abstract class LazyRecord implements CedarRecord {
  readonly record = true;
  readonly #made = new Map<string, Value | undefined>();

  get(name: string): Value | undefined {
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const value = this.make(name);
    this.#made.set(name, value);
    return value;
  }

  names(): readonly string[] {
    return this.all().filter((name) => this.get(name) !== undefined);
  }

  protected abstract make(name: string): Value | undefined;
  protected abstract all(): readonly string[];
}

const CONTEXT_NAMES = [
  'args',
  'provenance',
  'sensitivity',
  'now',
  'approved',
  'delegator',
  'token',
  'task',
  'origin',
  'chain',
] as const;

class RequestContext extends LazyRecord {
  readonly #input: DecisionInput;

  constructor(input: DecisionInput) {
    super();
    this.#input = input;
  }

  protected override make(name: string): Value | undefined {
    const { action, chain, delegator, token, now, approval } = this.#input;
    const acting = chain[0];
    switch (name as (typeof CONTEXT_NAMES)[number]) {
      case 'args':
        return new JsonRecord(action.arguments);
      case 'provenance':
        return action.provenance === undefined ? undefined : record(action.provenance);
      case 'sensitivity':
        return SENSITIVITIES[action.sensitivity];
      case 'now':
        return nowRecord(now);
      case 'approved':
        return approval !== null;
      case 'delegator':
        return delegator === null ? undefined : personUid(delegator);
      case 'token':
        return token === null
          ? undefined
          : record({ age_seconds: seconds(now - token.issuedAt), binding: token.binding });
      case 'task':
        return acting === undefined ? undefined : new TaskRecord(acting, chain.length - 1, now);
      case 'origin':
        return acting === undefined ? undefined : originRecord(acting.task.origin);
      case 'chain':
        return acting === undefined ? undefined : new CedarSet(chain.map(({ task }) => agentUid(task.agent.id)));
      default:
        return undefined;
    }
  }

  protected override all(): readonly string[] {
    return CONTEXT_NAMES;
  }
}

const TASK_NAMES = [
  'id',
  'delegator',
  'agent',
  'purpose',
  'parameters',
  'sensitivity',
  'age_seconds',
  'calls',
  'depth',
  'labels',
] as const;

class TaskRecord extends LazyRecord {
  readonly #view: TaskView;
  readonly #depth: number;
  readonly #now: number;

  constructor(view: TaskView, depth: number, now: number) {
    super();
    this.#view = view;
    this.#depth = depth;
    this.#now = now;
  }

  protected override make(name: string): Value | undefined {
    const { task, used, labels } = this.#view;
    switch (name as (typeof TASK_NAMES)[number]) {
      case 'id':
        return task.id;
      case 'delegator':
        return personUid(task.delegator);
      case 'agent':
        return agentUid(task.agent.id);
      case 'purpose':
        return task.purpose;
      case 'parameters':
        return new JsonRecord(task.parameters);
      case 'sensitivity':
        return SENSITIVITIES[task.sensitivity];
      case 'age_seconds':
        return seconds(this.#now - task.createdAt);
      case 'calls':
        return used.calls;
      case 'depth':
        return this.#depth;
      case 'labels':
        return labels === undefined ? undefined : new CedarSet(labels);
      default:
        return undefined;
    }
  }

  protected override all(): readonly string[] {
    return TASK_NAMES;
  }
}

function originRecord({ channel, trust, author, digest }: PromptOrigin): CedarRecord {
  return record({ channel, trust, author, digest });
}

/** Whole seconds, never negative: a clock that was set back makes nothing younger than new. */
function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}

function nowRecord(now: number): CedarRecord {
  const date = new Date(now);
  return record({
    time: new Datetime(now),
    hour: date.getUTCHours(),
    /** 1 for Monday … 7 for Sunday (ISO 8601). */
    weekday: date.getUTCDay() === 0 ? 7 : date.getUTCDay(),
  });
}
