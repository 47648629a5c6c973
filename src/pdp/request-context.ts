import type { ArgumentFlow } from '../core/action.ts';
import { formatAmount, type Amount } from '../core/amount.ts';
import { leftFor, type Left } from '../core/budget.ts';
import type { DecisionInput, TaskView, TokenFacts } from '../core/decision.ts';
import type { NamedLease } from '../core/lease.ts';
import type { PromptOrigin, TaskProfile } from '../core/task.ts';
import { effectCounts, touched, type Done, type DoneByOperation } from '../core/trail.ts';
import { JsonRecord } from './arguments.ts';
import { valueOf } from './cedar/literal.ts';
import { CedarRecord, CedarSet, Datetime, EagerRecord, type EntityUid, type Value } from './cedar/value.ts';
import { Facts, SENSITIVITIES, table } from './facts.ts';
import { agentUid, personUid } from './uids.ts';

/** The context of a decision. Records that policies look at again and again are made once. */
export class Context extends CedarRecord {
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
