import type { Action, ArgumentFlow } from '../core/action.ts';
import { formatAmount, type Amount } from '../core/amount.ts';
import { leftFor, type Left } from '../core/budget.ts';
import type { DecisionInput, TaskView, TokenFacts } from '../core/decision.ts';
import type { Effect } from '../core/effect.ts';
import type { NamedLease } from '../core/lease.ts';
import { delegatorId, sameDelegator, type Agent, type Delegator } from '../core/party.ts';
import { sensitivityLevel, type Sensitivity } from '../core/sensitivity.ts';
import type { PromptOrigin, TaskProfile } from '../core/task.ts';
import { effectCounts, touched, type Done, type DoneByOperation } from '../core/trail.ts';
import { JsonRecord } from './arguments.ts';
import type { Entities, Entity } from './cedar/entities.ts';
import { valueOf } from './cedar/literal.ts';
import { CedarSet, Datetime, EagerRecord, EntityUid, CedarRecord, type Value } from './cedar/value.ts';

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
    const actor = agent === null ? null : made(AGENTS, agent, agentParty);
    const person = delegator === null ? null : made(PERSONS, delegator, personParty);
    this.principals =
      actor === null ? (person === null ? [] : [person.uid]) : person === null ? [actor.uid] : [actor.uid, person.uid];
    this.action = actionUid(action);
    const target = targetUid(action.target);
    this.resources =
      action.resources.length === 0 ? [target] : action.resources.map((name) => resourceUid(action.target, name));
    this.context = new Context(input, person?.uid ?? null);
    this.entities = new RequestEntities(input, actor, person, this.action, target);
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
  const known = ACTIONS.get(target)?.get(operation);
  if (known !== undefined) return known;
  const uid = new EntityUid('Action', `${target}:${operation}`);
  // Operations come from callers too: what is remembered is bounded.
  if (remembered >= REMEMBERED) {
    ACTIONS.clear();
    remembered = 0;
  }
  let ofTarget = ACTIONS.get(target);
  if (ofTarget === undefined) ACTIONS.set(target, (ofTarget = new Map()));
  ofTarget.set(operation, uid);
  remembered += 1;
  return uid;
}

/** Kept so that the index hashes each id once and not at every decision. */
const ACTIONS = new Map<string, Map<string, EntityUid>>();
const REMEMBERED = 10_000;
let remembered = 0;

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

type Party = { uid: EntityUid; entity: Entity };

/** What is made of a party stays from one request to the next, as long as the party does. A party is never changed. */
const AGENTS = new WeakMap<Agent, Party>();
const PERSONS = new WeakMap<Delegator, Party>();

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

/** How each member of a record comes out of what it is made from; `undefined` where it is absent. */
type Table<Source> = ReadonlyMap<string, (source: Source) => Value | undefined>;

function table<Source>(members: Record<string, (source: Source) => Value | undefined>): Table<Source> {
  return new Map(Object.entries(members));
}

/** A record whose members are made when they are looked at. */
class Facts<Source> extends CedarRecord {
  readonly #table: Table<Source>;
  readonly #source: Source;

  constructor(members: Table<Source>, source: Source) {
    super();
    this.#table = members;
    this.#source = source;
  }

  override get(name: string): Value | undefined {
    return this.#table.get(name)?.(this.#source);
  }

  override names(): readonly string[] {
    return [...this.#table.keys()].filter((name) => this.get(name) !== undefined);
  }
}

const SENSITIVITIES: Readonly<Record<Sensitivity, CedarRecord>> = {
  public: sensitivityRecord('public'),
  internal: sensitivityRecord('internal'),
  confidential: sensitivityRecord('confidential'),
  restricted: sensitivityRecord('restricted'),
};

function sensitivityRecord(name: Sensitivity): CedarRecord {
  return new EagerRecord([
    ['name', name],
    ['level', sensitivityLevel(name)],
  ]);
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

/** The context of a decision. Records that policies look at again and again are made once. */
class Context extends CedarRecord {
  readonly input: DecisionInput;
  readonly person: EntityUid | null;
  args: CedarRecord | undefined;
  task: CedarRecord | undefined;
  root: CedarRecord | undefined;
  token: CedarRecord | undefined;
  origin: CedarRecord | undefined;
  time: CedarRecord | undefined;

  constructor(input: DecisionInput, person: EntityUid | null) {
    super();
    this.input = input;
    this.person = person;
  }

  override get(name: string): Value | undefined {
    return CONTEXT.get(name)?.(this);
  }

  override names(): readonly string[] {
    return [...CONTEXT.keys()].filter((name) => this.get(name) !== undefined);
  }
}

const CONTEXT = table<Context>({
  args: (context) => (context.args ??= new JsonRecord(context.input.action.arguments)),
  provenance: ({ input: { action } }) =>
    action.provenance === undefined ? undefined : new JsonRecord(action.provenance),
  leases: ({ input: { action, chain, now } }) => {
    const named = action.leases?.flatMap(({ lease }) => lease ?? []) ?? [];
    return named.length === 0 ? undefined : new Facts(LEASES, { named, acting: chain[0]?.task.id, now });
  },
  flow: ({ input: { action } }) => (action.flow === undefined ? undefined : new Facts(FLOW, action.flow)),
  sensitivity: ({ input }) => SENSITIVITIES[input.action.sensitivity],
  now: (context) => (context.time ??= new Facts(NOW, context.input.now)),
  approved: ({ input }) => input.approval !== null,
  delegator: ({ person }) => person ?? undefined,
  token: (context) => {
    const { token, now } = context.input;
    return token === null ? undefined : (context.token ??= new Facts(TOKEN, { token, now }));
  },
  task: (context) =>
    context.input.chain.length === 0 ? undefined : (context.task ??= new Facts(TASK, new TaskFacts(context.input))),
  root: (context) => {
    const { chain } = context.input;
    return chain.length === 0
      ? undefined
      : (context.root ??= new Facts(ROOT, { view: chain.at(-1)!, now: context.input.now }));
  },
  origin: (context) => {
    const acting = context.input.chain[0];
    return acting === undefined ? undefined : (context.origin ??= new Facts(ORIGIN, acting.task.origin));
  },
  chain: ({ input: { chain } }) =>
    chain.length === 0 ? undefined : new CedarSet(chain.map(({ task }) => agentUid(task.agent.id))),
});

type NamedLeases = { named: NonNullable<NamedLease['lease']>[]; acting: string | undefined; now: number };

/** What the arguments bring along by handles. Cedar has no loops, so it is told of them all together. */
const LEASES = table<NamedLeases>({
  count: ({ named }) => named.length,
  kinds: ({ named }) => new CedarSet(named.map(({ kind }) => kind)),
  minted_by: ({ named }) => new CedarSet(named.map(({ target, operation }) => `${target}:${operation}`)),
  inherited: ({ named, acting }) => named.some(({ task }) => task !== acting),
  oldest_seconds: ({ named, now }) => seconds(Math.max(...named.map(({ madeAt }) => now - madeAt))),
});

const FLOW = table<ArgumentFlow>({
  targets: ({ targets }) => new CedarSet(targets),
  addresses: ({ addresses }) => new CedarSet(addresses),
  settings: ({ settings }) => new CedarSet(settings),
  content: ({ content }) => new CedarSet(content),
  links: ({ links }) => new CedarSet(links),
});

class TaskFacts {
  readonly input: DecisionInput;
  readonly view: TaskView;
  readonly now: number;
  readonly depth: number;
  parameters: CedarRecord | undefined;
  left: CedarRecord | undefined;
  did: CedarRecord | undefined;
  effects: CedarRecord | undefined;

  constructor(input: DecisionInput) {
    const { chain, now } = input;
    this.input = input;
    this.view = chain[0]!;
    this.now = now;
    this.depth = chain.length - 1;
  }
}

const TASK = table<TaskFacts>({
  id: ({ view }) => view.task.id,
  delegator: ({ view }) => personUid(view.task.delegator),
  agent: ({ view }) => agentUid(view.task.agent.id),
  purpose: ({ view }) => view.task.purpose,
  profile: ({ view }) => (view.task.profile === undefined ? undefined : new Facts(PROFILE, view.task.profile)),
  parameters: (facts) => (facts.parameters ??= new JsonRecord(facts.view.task.parameters)),
  sensitivity: ({ view }) => SENSITIVITIES[view.task.sensitivity],
  age_seconds: ({ view, now }) => seconds(now - view.task.createdAt),
  calls: ({ view }) => view.used.calls,
  left: (facts) => (facts.left ??= new Facts(LEFT, leftFor(facts.input.chain, facts.input.action))),
  depth: ({ depth }) => depth,
  labels: ({ view: { labels } }) => new CedarSet(labels ?? []),
  touched: ({ view: { labels } }) => touchedRecord(labels ?? []),
  did: (facts) => (facts.did ??= new Did(facts.view.done ?? {}, facts.now)),
  effects: (facts) => (facts.effects ??= new EagerRecord(Object.entries(effectCounts(facts.view.done ?? {})))),
});

/** Whatever is compared with it is more, as long as nothing was read. */
const NOTHING = new EagerRecord([
  ['name', 'none'],
  ['level', -1],
]);

function touchedRecord(labels: readonly string[]): CedarRecord {
  const highest = touched(labels);
  return highest === null ? NOTHING : SENSITIVITIES[highest];
}

/** What the task has done, by operation. */
class Did extends CedarRecord {
  readonly #done: DoneByOperation;
  readonly #now: number;

  constructor(done: DoneByOperation, now: number) {
    super();
    this.#done = done;
    this.#now = now;
  }

  override get(operation: string): Value | undefined {
    if (!Object.hasOwn(this.#done, operation)) return undefined;
    return new Facts(DONE, { done: this.#done[operation]!, now: this.#now });
  }

  override names(): readonly string[] {
    return Object.keys(this.#done);
  }
}

const DONE = table<{ done: Done; now: number }>({
  times: ({ done }) => done.times,
  succeeded: ({ done }) => done.succeeded,
  first_seconds_ago: ({ done, now }) => seconds(now - done.firstAt),
  last_seconds_ago: ({ done, now }) => seconds(now - done.lastAt),
});

const PROFILE = table<TaskProfile>({ name: ({ name }) => name, version: ({ version }) => version });

/** What the budgets of the whole chain have left for this action. */
const LEFT = table<Left>({
  calls: ({ calls }) => calls,
  effect: ({ effect }) => effect,
  operation: ({ operation }) => operation,
  sum: ({ sum }) => (sum === undefined ? undefined : decimalOf(sum)),
});

/** Cedar's decimals are ten-thousandths, too, and are written with a point. */
function decimalOf(amount: Amount): Value {
  const text = formatAmount(amount);
  return valueOf({ __extn: { fn: 'decimal', arg: text.includes('.') ? text : `${text}.0` } });
}

/** The task that all of this began with; what is done below it counts there, too. */
const ROOT = table<{ view: TaskView; now: number }>({
  id: ({ view }) => view.task.id,
  agent: ({ view }) => agentUid(view.task.agent.id),
  purpose: ({ view }) => view.task.purpose,
  age_seconds: ({ view, now }) => seconds(now - view.task.createdAt),
  calls: ({ view }) => view.used.calls,
});

const ORIGIN = table<PromptOrigin>({
  channel: ({ channel }) => channel,
  trust: ({ trust }) => trust,
  author: ({ author }) => author,
  digest: ({ digest }) => digest,
  signed: ({ signer }) => signer !== undefined,
});

const TOKEN = table<{ token: TokenFacts; now: number }>({
  age_seconds: ({ token, now }) => seconds(now - token.issuedAt),
  binding: ({ token }) => token.binding,
});

/** Milliseconds since the epoch, in UTC. */
const NOW = table<number>({
  time: (now) => new Datetime(now),
  hour: (now) => Math.floor(now / 3_600_000) % 24,
  /** 1 for Monday … 7 for Sunday (ISO 8601). The epoch was a Thursday. */
  weekday: (now) => ((Math.floor(now / 86_400_000) + 3) % 7) + 1,
});

/** Whole seconds, never negative: a clock that was set back makes nothing younger than new. */
function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
