import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Decision, DecisionInput, Reason } from '../../src/core/decision.ts';
import type { CheckArguments, Grant } from '../../src/core/grant.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import type { Agent, Delegator } from '../../src/core/party.ts';
import type { Schedule } from '../../src/core/schedule.ts';

/**
 * The whole decision once more, in the plainest words, to compare the real one with. It shares no code with it: every
 * policy is asked of `cedar-wasm` by itself, for every principal and every resource; nothing is indexed or put off.
 */

export type NaivePolicy = {
  id: string;
  text: string;
  effect: 'permit' | 'forbid';
  approval?: { text: string; people: number; names: string[]; acr?: string[] };
  observe?: boolean;
  /** Seconds. */
  maxLifetime?: number;
  controls?: string[];
};

/** What is compared: a decision without its words. */
export type NaiveDecision = Pick<
  Decision,
  'outcome' | 'policies' | 'approvers' | 'observed' | 'controls' | 'liftedByApproval'
> & { codes: Reason['code'][]; maxLifetime: number | null };

const LEVELS = { public: 0, internal: 1, confidential: 2, restricted: 3 };

export function naiveDecision(
  input: DecisionInput,
  policies: readonly NaivePolicy[],
  check: CheckArguments,
): NaiveDecision {
  const early = beforePolicy(input, check);
  if (early !== null) return denied([early]);

  let context: JsonObject;
  try {
    context = contextOf(input);
  } catch (error) {
    if (error instanceof Unseen) return denied(['policy_error']);
    throw error;
  }
  const { action, agent, delegator } = input;
  const principals: Uid[] = [];
  if (agent !== null) principals.push({ type: 'Agent', id: agent.id });
  if (delegator !== null) principals.push(personOf(delegator));
  if (principals.length === 0) return denied(['policy_error']);
  const resources: Uid[] = action.resources.map((name) => ({ type: 'Resource', id: `${action.target}:${name}` }));
  if (resources.length === 0) resources.push({ type: 'Target', id: action.target });

  const entities = entitiesOf(input);
  const byId = new Map(policies.map((policy) => [policy.id, policy]));
  const answers: NaiveDecision[] = [];
  const observed: string[] = [];
  for (const resource of resources) {
    for (const principal of principals) {
      const permits: string[] = [];
      const forbids: string[] = [];
      const holds: string[] = [];
      const errors: string[] = [];
      for (const policy of policies) {
        const said = ask(policy, { principal, action: actionOf(input), resource, context, entities });
        if (said === 'nothing') continue;
        if (policy.observe === true) observed.push(policy.id);
        else if (said === 'error') errors.push(policy.id);
        else if (policy.effect === 'permit') permits.push(policy.id);
        else if (policy.approval !== undefined) holds.push(policy.id);
        else forbids.push(policy.id);
      }
      answers.push(oneAnswer(permits, forbids, holds, errors, input, byId));
    }
  }

  // Both principals must be permitted, on every resource.
  const all = (chosen: readonly NaiveDecision[], part: 'policies' | 'approvers' | 'liftedByApproval') =>
    unique(chosen.flatMap((answer) => answer[part]));
  const deny = answers.find(({ outcome }) => outcome === 'deny');
  const holding = answers.filter(({ outcome }) => outcome === 'hold');
  const decision =
    deny ??
    (holding.length > 0
      ? {
          ...denied(all(holding, 'policies').map(() => 'approval_required')),
          outcome: 'hold' as const,
          policies: all(holding, 'policies'),
          approvers: all(holding, 'approvers'),
        }
      : {
          ...denied(['policy_permits']),
          outcome: 'permit' as const,
          policies: all(answers, 'policies'),
          liftedByApproval: all(answers, 'liftedByApproval'),
        });
  const controls = unique(decision.policies.flatMap((id) => byId.get(id)!.controls ?? []));
  const lifetimes = decision.policies.flatMap((id) => byId.get(id)!.maxLifetime ?? []);
  const maxLifetime = decision.outcome === 'permit' && lifetimes.length > 0 ? Math.min(...lifetimes) : null;
  return atPoint({ ...decision, observed: unique(observed), controls, maxLifetime }, input);
}

/** A yes that a profile asks for, by whoever is of the group that each of its rules is. */
function atPoint(decision: NaiveDecision, { approvalPoint, approval }: DecisionInput): NaiveDecision {
  if (approvalPoint === undefined || decision.outcome === 'deny') return decision;
  const missing = approvalPoint.rules.filter(
    (rule) => approval === null || !isGiven({ people: 1, names: [rule], text: rule }, approval.approvers),
  );
  if (missing.length === 0) {
    if (decision.outcome === 'hold') return decision;
    return { ...decision, liftedByApproval: [...decision.liftedByApproval, `profile ${approvalPoint.profile}`] };
  }
  return {
    ...decision,
    outcome: 'hold',
    codes: [...(decision.outcome === 'hold' ? decision.codes : []), 'approval_required'],
    approvers: unique([...decision.approvers, ...approvalPoint.rules]),
    liftedByApproval: [],
  };
}

function denied(codes: Reason['code'][]): NaiveDecision {
  const nobody = { approvers: [], observed: [], controls: [], liftedByApproval: [], maxLifetime: null };
  return { outcome: 'deny', codes, policies: [], ...nobody };
}

/** What policy says to one principal about one resource. */
function oneAnswer(
  permits: string[],
  forbids: string[],
  holds: string[],
  errors: string[],
  { approval }: DecisionInput,
  byId: ReadonlyMap<string, NaivePolicy>,
): NaiveDecision {
  if (errors.length > 0) return { ...denied(errors.map(() => 'policy_error')), policies: errors };
  if (forbids.length > 0) {
    const both = [...forbids, ...holds];
    return { ...denied(both.map(() => 'policy_forbids')), policies: both };
  }
  if (permits.length === 0) return denied(['no_policy']);
  const open = holds.filter((id) => approval === null || !isGiven(byId.get(id)!.approval!, approval.approvers));
  // An approval is for the action as it is: it lifts all that holds it, or nothing.
  if (open.length > 0) {
    const approvers = holds.map((id) => byId.get(id)!.approval!.text);
    return { ...denied([]), outcome: 'hold', policies: holds, approvers };
  }
  return { ...denied([]), outcome: 'permit', policies: [...permits, ...holds], liftedByApproval: holds };
}

/** Whether as many people as it takes said yes, nobody of them counted twice. */
function isGiven({ people, names, acr }: NonNullable<NaivePolicy['approval']>, approvers: Delegator[]): boolean {
  const able = approvers.filter(
    (person) =>
      names.some((name) => person.groups.includes(name) || person.subject === name || person.email === name) &&
      (acr === undefined || (person.acr !== undefined && acr.includes(person.acr))),
  );
  // Everybody is somebody else at first, and then as many times as it could take, the same as who shares an account or address.
  const who = able.map((_person, place) => place);
  for (const _round of able) {
    for (const [a, one] of able.entries()) {
      for (const [b, other] of able.entries()) {
        const account = one.issuer === other.issuer && one.subject === other.subject;
        const address = one.email !== undefined && one.email.toLowerCase() === other.email?.toLowerCase();
        if (account || address) who[a] = who[b] = Math.min(who[a]!, who[b]!);
      }
    }
  }
  return new Set(who).size >= people;
}

function beforePolicy(input: DecisionInput, check: CheckArguments): Reason['code'] | null {
  const { action, chain, now, token } = input;
  const own = action.target === 'remit';
  if (!input.fresh) return 'stale_view';
  if (chain.length === 0 && !own) return 'task_not_live';
  // Under a task that is over, Remit's own reads and writes go on: looking at it, and ending it again.
  const needsLife = !own || (action.effect !== 'read' && action.effect !== 'write');
  for (const { task } of chain) {
    const { notBefore, expiresAt, schedules = [] } = task.window;
    const open = schedules.every((schedule) => isOpenAt(schedule, now));
    const live = task.state === 'active' && notBefore <= now && now < expiresAt && open;
    if (needsLife && !live) return 'task_not_live';
  }
  if (action.definition === 'quarantined') return 'quarantined_operation';
  if (action.definition === 'unknown') return 'unknown_operation';
  if (action.undescribed !== undefined) return action.undescribed.code;
  if (own) return null;
  const levels = chain.map(({ task }) => task.grant);
  if (token !== null) levels.push(token.narrowedTo);
  for (const grants of levels) if (!grants.some((grant) => covers(grant, input, check))) return 'outside_grant';
  for (const { task } of chain) if (LEVELS[action.sensitivity] > LEVELS[task.sensitivity]) return 'over_sensitivity';
  if (action.protocol) return null;
  for (const { task, used } of chain) if (used.calls >= task.budget.calls) return 'over_budget';
  for (const view of chain) {
    const problem = budgetProblem(view, action);
    if (problem !== null) return problem;
  }
  return null;
}

/** Amounts as whole ten-thousandths without a bound. */
function budgetProblem({ task, used }: DecisionInput['chain'][number], action: DecisionInput['action']) {
  const { effects = {}, operations = {}, sums = [] } = task.budget;
  const taken = (name: string) => used.counters?.[name] ?? 0;
  const ofEffect = effects[action.effect];
  if (ofEffect !== undefined && taken(`effect:${action.effect}`) + 1 > ofEffect) return 'over_budget';
  const id = `${action.target}:${action.operation}`;
  const ofOperation = operations[id];
  if (ofOperation !== undefined && taken(`operation:${id}`) + 1 > ofOperation) return 'over_budget';
  for (const [place, sum] of sums.entries()) {
    if (sum.target !== action.target || !sum.operations.includes(action.operation)) continue;
    const value = action.arguments[sum.argument.slice(1)];
    const match = /^(\d+)(?:\.(\d{1,4}))?$/.exec(typeof value === 'object' ? '' : String(value));
    if (match === null || typeof value === 'boolean' || /^0\d/.test(match[0])) return 'uncountable_amount';
    const amount = BigInt(match[1]! + (match[2] ?? '').padEnd(4, '0'));
    if (amount >= 2n ** 53n) return 'uncountable_amount';
    if (BigInt(taken(`sum:${place}`)) + amount > BigInt(sum.atMost)) return 'over_budget';
  }
  return null;
}

/** By the date and time as a Swede writes them. */
function isOpenAt({ timeZone, weekdays, hours }: Schedule, now: number): boolean {
  const text = new Date(now).toLocaleString('sv-SE', { timeZone });
  const minute = Number(text.slice(11, 13)) * 60 + Number(text.slice(14, 16));
  const dayOf = (days: number) =>
    new Date(Date.parse(`${text.slice(0, 10)}T00:00:00Z`) + days * 86_400_000).getUTCDay();
  const names = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
  const counts = (days: number) => weekdays === undefined || weekdays.includes(names[dayOf(days)]!);
  if (hours === undefined) return counts(0);
  return hours.some(({ from, to }) =>
    to > from
      ? counts(0) && minute >= from && minute < to
      : (counts(0) && minute >= from) || (counts(-1) && minute < to),
  );
}

function covers(grant: Grant, { action }: DecisionInput, check: CheckArguments): boolean {
  if (grant.target !== action.target) return false;
  if (action.protocol) return true;
  const { operations = [], effects = [] } = grant;
  if (!operations.includes(action.operation) && !effects.includes(action.effect)) return false;
  if (grant.resources !== undefined) {
    if (action.resources.length === 0) return false;
    for (const name of action.resources) if (!grant.resources.some((pattern) => fits(pattern, name))) return false;
  }
  return grant.arguments === undefined || check(grant.arguments, action.arguments).length === 0;
}

function fits(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  if (pattern.startsWith('**')) return [...places(name)].some((at) => fits(pattern.slice(2), name.slice(at)));
  if (pattern.startsWith('*')) {
    const end = name.indexOf('/');
    return [...places(end === -1 ? name : name.slice(0, end))].some((at) => fits(pattern.slice(1), name.slice(at)));
  }
  return pattern[0] === name[0] && fits(pattern.slice(1), name.slice(1));
}

function places(text: string): number[] {
  return Array.from({ length: text.length + 1 }, (_none, at) => at);
}

type Uid = { type: string; id: string };
type Question = { principal: Uid; action: Uid; resource: Uid; context: JsonObject; entities: cedar.Entities };

function ask(policy: NaivePolicy, question: Question): 'applies' | 'error' | 'nothing' {
  const answer = cedar.isAuthorized({
    ...question,
    context: question.context as cedar.Context,
    policies: { staticPolicies: { [policy.id]: policy.text } },
  });
  if (answer.type === 'failure') throw new Error(`the model's question is refused: ${answer.errors[0]?.message}`);
  const { reason, errors } = answer.response.diagnostics;
  return errors.length > 0 ? 'error' : reason.length > 0 ? 'applies' : 'nothing';
}

function actionOf({ action }: DecisionInput): Uid {
  return { type: 'Action', id: `${action.target}:${action.operation}` };
}

function personOf({ issuer, subject }: Pick<Delegator, 'issuer' | 'subject'>): Uid {
  return { type: 'Person', id: `${issuer}|${subject}` };
}

function entitiesOf(input: DecisionInput): cedar.Entities {
  const { action, agent, delegator, chain } = input;
  const sensitivity = sensitivityOf(action.sensitivity);
  const target = { type: 'Target', id: action.target };
  const list = new Map<string, { uid: Uid; attrs: JsonObject; parents: Uid[] }>();
  const add = (uid: Uid, attrs: JsonObject, parents: Uid[]) => {
    if (!list.has(`${uid.type} ${uid.id}`)) list.set(`${uid.type} ${uid.id}`, { uid, attrs, parents });
  };
  const groups = (names: readonly string[] = []) => names.map((id) => ({ type: 'Group', id }));
  const addAgent = (who: Omit<Agent, 'attestation'> & { attestation?: string }) => {
    const attrs = { spiffe_id: who.id, trust_domain: who.trustDomain, attestation: who.attestation };
    const parents = [{ type: 'TrustDomain', id: who.trustDomain }, ...groups(who.groups)];
    add({ type: 'Agent', id: who.id }, known(attrs), parents);
  };
  add(actionOf(input), {}, [{ type: 'Action', id: action.effect }]);
  add({ type: 'Action', id: action.effect }, {}, []);
  add(target, { name: action.target, sensitivity }, []);
  for (const name of action.resources) {
    add({ type: 'Resource', id: `${action.target}:${name}` }, { name, sensitivity }, [target]);
  }
  if (agent !== null) addAgent(agent);
  for (const { task } of chain) addAgent(task.agent);
  if (delegator !== null) {
    const { issuer, subject, email, acr, amr = [], authTime } = delegator;
    const auth_time = authTime === undefined ? undefined : instant(authTime * 1000);
    add(personOf(delegator), known({ issuer, subject, email, acr, amr, auth_time }), groups(delegator.groups));
  }
  return [...list.values()] as unknown as cedar.Entities;
}

function contextOf(input: DecisionInput): JsonObject {
  const { action, delegator, token, approval, now, chain } = input;
  const acting = chain[0];
  const age = (since: number) => Math.max(0, Math.floor((now - since) / 1000));
  const day = new Date(now);
  const entity = (uid: Uid) => ({ __entity: uid });
  return known({
    args: recordOf(action.arguments, 1),
    provenance: action.provenance as JsonObject | undefined,
    flow: action.flow as JsonObject | undefined,
    sensitivity: sensitivityOf(action.sensitivity),
    now: { time: instant(now), hour: day.getUTCHours(), weekday: day.getUTCDay() === 0 ? 7 : day.getUTCDay() },
    approved: approval !== null,
    delegator: delegator === null ? undefined : entity(personOf(delegator)),
    token: token === null ? undefined : { age_seconds: age(token.issuedAt), binding: token.binding },
    origin: acting === undefined ? undefined : originOf(acting.task.origin),
    root: rootOf(input),
    chain: acting === undefined ? undefined : chain.map(({ task }) => entity({ type: 'Agent', id: task.agent.id })),
    task:
      acting === undefined
        ? undefined
        : known({
            id: acting.task.id,
            delegator: entity(personOf(acting.task.delegator)),
            agent: entity({ type: 'Agent', id: acting.task.agent.id }),
            purpose: acting.task.purpose,
            profile: profileOf(acting.task),
            parameters: recordOf(acting.task.parameters, 1),
            sensitivity: sensitivityOf(acting.task.sensitivity),
            age_seconds: age(acting.task.createdAt),
            calls: acting.used.calls,
            left: leftOf(input),
            depth: chain.length - 1,
            labels: [...(acting.labels ?? [])],
            touched: touchedOf(acting.labels ?? []),
            did: didOf(acting.done ?? {}, age),
            effects: effectsOf(acting.done ?? {}),
          }),
  });
}

/** What the budgets of the chain have left for this action: the least of all levels, each kind by itself. */
function leftOf({ chain, action }: DecisionInput): JsonObject {
  const all = { calls: [] as number[], effect: [] as number[], operation: [] as number[], sum: [] as bigint[] };
  for (const { task, used } of chain) {
    const { calls, effects = {}, operations = {}, sums = [] } = task.budget;
    const taken = (name: string) => used.counters?.[name] ?? 0;
    all.calls.push(Math.max(0, calls - used.calls));
    const ofEffect = effects[action.effect];
    if (ofEffect !== undefined) all.effect.push(ofEffect - taken(`effect:${action.effect}`));
    const id = `${action.target}:${action.operation}`;
    if (operations[id] !== undefined) all.operation.push(operations[id] - taken(`operation:${id}`));
    sums.forEach((sum, place) => {
      const about = sum.target === action.target && sum.operations.includes(action.operation);
      if (about) all.sum.push(BigInt(sum.atMost) - BigInt(taken(`sum:${place}`)));
    });
  }
  const least = (amounts: number[]) => (amounts.length === 0 ? undefined : Math.min(...amounts));
  const [sum] = all.sum.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const decimal = sum === undefined ? undefined : `${sum / 10_000n}.${String(sum % 10_000n).padStart(4, '0')}`;
  return known({
    calls: least(all.calls),
    effect: least(all.effect),
    operation: least(all.operation),
    sum: decimal === undefined ? undefined : { __extn: { fn: 'decimal', arg: decimal } },
  });
}

function touchedOf(labels: readonly string[]): JsonObject {
  const [highest] = (['restricted', 'confidential', 'internal', 'public'] as const).filter((each) =>
    labels.includes(`sensitivity:${each}`),
  );
  return highest === undefined ? { name: 'none', level: -1 } : sensitivityOf(highest);
}

function didOf(done: NonNullable<DecisionInput['chain'][number]['done']>, age: (since: number) => number): JsonObject {
  const entries = Object.entries(done).map(([operation, { times, succeeded, firstAt, lastAt }]) => [
    operation,
    { times, succeeded, first_seconds_ago: age(firstAt), last_seconds_ago: age(lastAt) },
  ]);
  return Object.fromEntries(entries) as JsonObject;
}

function effectsOf(done: NonNullable<DecisionInput['chain'][number]['done']>): JsonObject {
  const counts: Record<string, number> = { read: 0, write: 0, delete: 0, execute: 0, send: 0, mint: 0, delegate: 0 };
  for (const { effect, times } of Object.values(done)) counts[effect]! += times;
  return counts;
}

function originOf({ signer, ...origin }: DecisionInput['chain'][number]['task']['origin']): JsonObject {
  return known({ ...origin, signed: signer !== undefined });
}

function rootOf({ chain, now }: DecisionInput): JsonObject | undefined {
  const first = chain.at(-1);
  if (first === undefined) return undefined;
  const { task, used } = first;
  return {
    id: task.id,
    agent: { __entity: { type: 'Agent', id: task.agent.id } },
    purpose: task.purpose,
    age_seconds: Math.max(0, Math.floor((now - task.createdAt) / 1000)),
    calls: used.calls,
  };
}

function profileOf({ profile }: DecisionInput['chain'][number]['task']): JsonObject | undefined {
  return profile === undefined ? undefined : { name: profile.name, version: profile.version };
}

function sensitivityOf(name: keyof typeof LEVELS): JsonObject {
  return { name, level: LEVELS[name] };
}

function instant(ms: number): JsonObject {
  return { __extn: { fn: 'datetime', arg: new Date(ms).toISOString() } };
}

/** A value that Cedar has no exact form for. */
class Unseen extends Error {}

function recordOf(json: JsonObject, depth: number): JsonObject {
  if (depth > 64) throw new Unseen();
  const record: JsonObject = {};
  for (const [name, member] of Object.entries(json)) {
    if (['__entity', '__extn', '__expr', '__proto__'].includes(name)) throw new Unseen();
    if (member !== null) record[name] = valueOf(member, depth);
  }
  return record;
}

function valueOf(json: JsonValue, depth: number): JsonValue {
  if (json === null) throw new Unseen();
  if (typeof json === 'number' && !Number.isInteger(json)) {
    if (!/^-?[0-9]{1,14}\.[0-9]{1,4}$/.test(String(json))) throw new Unseen();
    return { __extn: { fn: 'decimal', arg: String(json) } };
  }
  if (typeof json === 'number') {
    if (Math.abs(json) >= 2 ** 53) throw new Unseen();
    return json === 0 ? 0 : json;
  }
  if (typeof json !== 'object') return json;
  if (!Array.isArray(json)) return recordOf(json, depth + 1);
  if (depth >= 64) throw new Unseen();
  return json.map((item) => valueOf(item, depth + 1));
}

function known(members: Record<string, JsonValue | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined)) as JsonObject;
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}
