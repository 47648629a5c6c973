import type { Action } from '../core/action.ts';
import { countersOf, effectCounter, operationCounter, sumCounter, type Budget, type Used } from '../core/budget.ts';
import type { DecisionInput, TaskView } from '../core/decision.ts';
import { EFFECTS, type Effect } from '../core/effect.ts';
import { InvalidConfig } from '../core/errors.ts';
import type { Agent, Delegator } from '../core/party.ts';
import { parseWorkloadId } from '../core/spiffe-id.ts';
import type { Done } from '../core/trail.ts';
import { OWN_OPERATIONS } from '../task/authorize.ts';
import { parseSchedule } from '../task/window-form.ts';
import type { ActionForm, AgentForm, CaseFile, DelegatorForm, Situation, TaskForm } from './case-form.ts';

/** A Monday at noon: within working hours wherever a policy asks, unless a case says otherwise. */
const DEFAULT_TIME = '2026-03-02T12:00:00Z';
const DEFAULT_ISSUER = 'https://idp.example.test';

/**
 * The input of one decision, from a case and the defaults of its file. What neither says is chosen so that it does not
 * decide: a live task that grants everything at the target, a fresh token, room in the budget.
 *
 * @throws InvalidConfig naming the file, the case (`where`), and what to add.
 */
export function caseInput(file: CaseFile, where: string, situation: Situation): DecisionInput {
  const build = new Build(file, where);
  const given = { ...file.defaults, ...situation };
  const now = Date.parse(given.time ?? DEFAULT_TIME);
  const agent = given.agent == null ? null : build.agent(overlaid(file.defaults.agent, given.agent));
  const delegator =
    given.delegator == null ? null : build.delegator(overlaidPerson(file.defaults.delegator, given.delegator));
  const action = build.action(given.action);
  const chain = build.chain(file.defaults, given, { action, agent, delegator, now });
  const token = given.token === undefined ? {} : given.token;
  return {
    now,
    fresh: true,
    action,
    agent,
    delegator,
    chain,
    token:
      token === null
        ? null
        : {
            issuedAt: now - (token.age_seconds ?? 1) * 1000,
            binding: token.binding ?? 'dpop',
            narrowedTo: token.narrowed_to ?? chain[0]?.task.grant ?? [],
          },
    approval:
      given.approval == null
        ? null
        : {
            id: given.approval.id ?? 'appr_case',
            approvers: given.approval.by.map((person) => build.delegator(person)),
          },
  };
}

/** Fields that a case leaves out come from the default; a case that names somebody else takes nothing from it. */
function overlaid(base: AgentForm | null | undefined, given: AgentForm): AgentForm {
  return base == null || base.id !== given.id ? given : { ...base, ...given };
}

function overlaidPerson(base: DelegatorForm | null | undefined, given: DelegatorForm): DelegatorForm {
  const another = given.person !== undefined || given.subject !== undefined;
  return base == null || another ? given : { ...base, ...given };
}

type Known = { action: Action; agent: Agent | null; delegator: Delegator | null; now: number };

class Build {
  readonly #file: CaseFile;
  readonly #where: string;

  constructor(file: CaseFile, where: string) {
    this.#file = file;
    this.#where = where;
  }

  agent({ id, attestation, groups, state, owner }: AgentForm): Agent {
    const { agents } = this.#file;
    const named = Object.hasOwn(agents, id) ? agents[id]! : id;
    const parsed = parseWorkloadId(named);
    if ('problem' in parsed) {
      const known = Object.keys(agents);
      const names = known.length === 0 ? '' : ` (${list(known)})`;
      throw this.#bad(`agent \`${id}\` ${parsed.problem}; give a SPIFFE ID, or a name under \`agents\`${names}`);
    }
    return {
      id: parsed.id,
      trustDomain: parsed.trustDomain,
      attestation: attestation ?? 'jwt-svid',
      ...(groups === undefined ? {} : { groups }),
      ...(state === undefined ? {} : { state }),
      ...(owner === undefined ? {} : { owner }),
    };
  }

  delegator({ person, ...own }: DelegatorForm): Delegator {
    const { people } = this.#file;
    if (person !== undefined && !Object.hasOwn(people, person)) {
      throw this.#bad(
        `\`${person}\` is not under \`people\`${known(people)}; add it there, or give \`{ subject: … }\``,
      );
    }
    const {
      subject,
      issuer,
      groups,
      auth_time: authTime,
      ...rest
    } = { ...(person === undefined ? {} : people[person]!), ...own };
    const name = subject ?? person;
    if (name === undefined) throw this.#bad('a delegator has no `subject`; add one, or a name under `people`');
    return {
      issuer: issuer ?? DEFAULT_ISSUER,
      subject: name,
      groups: groups ?? [],
      ...rest,
      ...(authTime === undefined ? {} : { authTime: Math.floor(Date.parse(authTime) / 1000) }),
    };
  }

  action(form: ActionForm): Action {
    const { target, operation } = form;
    const { targets } = this.#file.defaults;
    const facts = Object.hasOwn(targets, target) ? targets[target]! : { operations: {} };
    const stated = Object.hasOwn(facts.operations, operation) ? facts.operations[operation] : undefined;
    return {
      target,
      operation,
      effect: form.effect ?? (target === 'remit' ? this.#ownEffect(operation) : stated?.effect) ?? this.#noEffect(form),
      resources: form.resources ?? [],
      sensitivity: form.sensitivity ?? stated?.sensitivity ?? facts.sensitivity ?? 'internal',
      arguments: form.arguments ?? {},
      ...(form.flow === undefined ? {} : { flow: form.flow }),
      protocol: form.protocol ?? false,
      definition: form.definition ?? (target === 'remit' ? 'builtin' : 'pinned'),
    };
  }

  chain(defaults: CaseFile['defaults'], given: Situation, known: Known): TaskView[] {
    if (given.task == null) {
      if (given.chain === undefined || given.chain.length === 0) return [];
      throw this.#bad('has a `chain` but no `task`; the chain is what the task was handed down from');
    }
    const acting = { ...defaults.task, ...given.task };
    // A task that was handed on keeps its delegator and its origin; the rest of an ancestor is its own.
    const { delegator, origin } = acting;
    const above = (given.chain ?? []).map((form) => ({ delegator, origin, ...form }));
    const forms = [acting, ...above];
    const ids = forms.map((form, level) => form.id ?? idOf(level));
    return forms.map((form, level) =>
      this.#taskView({ ...form, id: ids[level]! }, { ...known, depth: level, parent: ids[level + 1] ?? null }),
    );
  }

  #taskView(form: TaskForm & { id: string }, at: Known & { depth: number; parent: string | null }): TaskView {
    const { defaults } = this.#file;
    const agentForm = form.agent ?? (at.depth === 0 && at.agent !== null ? undefined : defaults.agent);
    const agent = agentForm == null ? at.agent : this.agent(agentForm);
    const personForm = form.delegator ?? (at.delegator === null ? defaults.delegator : undefined);
    const delegator = personForm == null ? at.delegator : this.delegator(personForm);
    if (agent === null) throw this.#bad('says no agent for its task; add `agent` to the task');
    if (delegator === null) throw this.#bad('says no delegator for its task; add `delegator` to the task');
    const budget = budgetOf(form);
    const createdAt = at.now - (form.age_seconds ?? 60) * 1000;
    return {
      task: {
        id: form.id,
        parent: at.parent,
        delegator,
        agent: { id: agent.id, trustDomain: agent.trustDomain },
        purpose: form.purpose ?? 'a policy case',
        parameters: form.parameters ?? {},
        grant: form.grant ?? [{ type: 'remit_grant', target: at.action.target, effects: [...EFFECTS] }],
        sensitivity: form.sensitivity ?? at.action.sensitivity,
        origin: form.origin ?? { channel: 'api', trust: 'authenticated' },
        window: {
          notBefore: createdAt,
          expiresAt: at.now + (form.expires_in_seconds ?? 600) * 1000,
          ...(form.schedules === undefined ? {} : { schedules: form.schedules.map(parseSchedule) }),
        },
        budget,
        maxHops: form.max_hops ?? 0,
        ...(form.profile === undefined ? {} : { profile: { ...form.profile, digest: 'sha256:case' } }),
        state: form.state ?? 'active',
        createdAt,
      },
      used: usedOf(budget, form),
      ...(form.labels === undefined ? {} : { labels: form.labels }),
      ...(form.did === undefined ? {} : { done: this.#done(form.did, at.now) }),
    };
  }

  #done(did: NonNullable<TaskForm['did']>, now: number): NonNullable<TaskView['done']> {
    const entries = Object.entries(did).map(([pair, given]) => {
      const form: Partial<Done> & { times: number; first_seconds_ago?: number; last_seconds_ago?: number } = given;
      const colon = pair.indexOf(':');
      const [target, operation] = [pair.slice(0, colon), pair.slice(colon + 1)];
      const { targets } = this.#file.defaults;
      const stated = Object.hasOwn(targets, target) ? targets[target]!.operations : {};
      const known = Object.hasOwn(stated, operation) ? stated[operation]!.effect : undefined;
      const last = form.last_seconds_ago ?? 60;
      const done: Done = {
        effect: form.effect ?? known ?? this.#noEffect({ target, operation }),
        times: form.times,
        succeeded: form.succeeded ?? form.times,
        firstAt: now - (form.first_seconds_ago ?? last) * 1000,
        lastAt: now - last * 1000,
      };
      return [pair, done] as const;
    });
    return Object.fromEntries(entries);
  }

  #ownEffect(operation: string) {
    if (Object.hasOwn(OWN_OPERATIONS, operation)) return OWN_OPERATIONS[operation as keyof typeof OWN_OPERATIONS];
    throw this.#bad(`\`${operation}\` is not an operation of Remit${known(OWN_OPERATIONS)}; use one of these`);
  }

  #noEffect({ target, operation }: ActionForm): never {
    throw this.#bad(
      `the effect of \`${target}:${operation}\` is not known; give \`effect\`, or state it under ` +
        `\`defaults.targets.${target}.operations\``,
    );
  }

  #bad(problem: string): InvalidConfig {
    return new InvalidConfig(`${this.#file.file}: ${this.#where}: ${problem}`);
  }
}

/** `task_case` is the acting one, so that a case can name `task:task_case` as a resource. */
function budgetOf({ calls, budget }: TaskForm): Budget {
  const sums = budget?.sums?.map(({ at_most: atMost, ...sum }) => ({ ...sum, atMost }));
  return {
    calls: calls ?? 100,
    ...(budget?.effects === undefined ? {} : { effects: budget.effects }),
    ...(budget?.operations === undefined ? {} : { operations: budget.operations }),
    ...(sums === undefined ? {} : { sums }),
  };
}

/** Of each limit that there is; the sums in their order. */
function usedOf(budget: Budget, { used_calls: calls = 0, used }: TaskForm): Used {
  const taken: Record<string, number> = Object.fromEntries([
    ...Object.entries(used?.effects ?? {}).map(([effect, count]) => [effectCounter(effect as Effect), count]),
    ...Object.entries(used?.operations ?? {}).map(([id, count]) => [operationCounter(id), count]),
    ...(used?.sums ?? []).map((amount, place) => [sumCounter(place), amount]),
  ]) as Record<string, number>;
  const counters = countersOf(budget).map(({ name }) => [name, taken[name] ?? 0] as const);
  return counters.length === 0 ? { calls } : { calls, counters: Object.fromEntries(counters) };
}

function idOf(level: number): string {
  return level === 0 ? 'task_case' : `task_case_${level}`;
}

function known(names: object): string {
  const all = Object.keys(names);
  return all.length === 0 ? '' : ` (known are ${list(all)})`;
}

function list(names: readonly string[]): string {
  return names.map((each) => `\`${each}\``).join(', ');
}
