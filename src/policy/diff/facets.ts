import type { ArgumentOrigin } from '../../core/action.ts';
import { EFFECTS, type Effect } from '../../core/effect.ts';
import type { JsonValue } from '../../core/json.ts';
import { SENSITIVITIES } from '../../core/sensitivity.ts';
import { sensitivityLabel } from '../../core/trail.ts';
import type { Catalogue } from '../../pdp/schema/catalogue.ts';
import { MONDAY_10, plainDraft, setAt, type Draft } from './draft.ts';
import type { Mentions, Sample } from './mentions.ts';

/** One thing that may be so or otherwise of a request. The first choice is the plain one. */
export type Facet = { name: string; choices: { label: string; apply: (draft: Draft) => void }[] };

/** A request as the place of its choice in each facet. */
export type Point = number[];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MOST_DEEP = 8;
const LEFT = ['calls', 'effect', 'operation', 'sum'] as const;

/** Everything that policies which mention these could tell apart. */
export function facetsOf(mentions: Mentions, approvers: Iterable<string>, catalogue: Catalogue): Facet[] {
  const at = pathReader(mentions);
  const ids = (type: string) => [...(mentions.entities.get(type) ?? [])].toSorted();
  const texts = (...paths: string[][]) => at(...paths).filter((sample) => typeof sample === 'string');
  const counts = (...paths: string[][]) =>
    at(...paths)
      .filter((sample) => typeof sample === 'number')
      .filter((count) => count >= 0);
  const facets: Facet[] = [
    facet('caller', ['task', 'person', 'agent'] as const, (draft, caller) => void (draft.caller = caller)),
    facet(
      'action',
      actionsOf(mentions, catalogue),
      (draft, action) => void (draft.action = action),
      (action) => `${action.operation} (${action.effect}) at ${action.target}`,
    ),
    facet(
      'resource',
      [null, 'any', ...texts(['resource', 'name']), ...ids('Resource').map((id) => id.slice(id.indexOf(':') + 1))],
      (draft, resource) => void (draft.resource = resource),
    ),
    // A facet hands on one of its own values, which are of the type of the place that it sets: texts to TypeScript.
    facet('sensitivity', ['internal', ...SENSITIVITIES], (draft, level) => void (draft.sensitivity = level as never)),
    facet(
      'agent',
      [
        null,
        ...ids('Agent'),
        ...ids('TrustDomain').map((name) => `spiffe://${name}/agent/any`),
        ...texts(['principal', 'spiffe_id']),
      ],
      (draft, id) => {
        if (id !== null) draft.agent.id = id;
      },
    ),
    subsetFacet('groups of the agent', ids('Group'), (draft, groups) => void (draft.agent.groups = groups)),
    facet(
      'attestation',
      ['jwt-svid', 'x509-svid', 'oidc'] as const,
      (draft, how) => void (draft.agent.attestation = how),
    ),
    facet('delegator', [null, ...ids('Person')], (draft, id) => {
      if (id === null) return;
      const bar = id.lastIndexOf('|');
      draft.person.issuer = id.slice(0, bar);
      draft.person.subject = id.slice(bar + 1);
    }),
    subsetFacet('groups of the delegator', ids('Group'), (draft, groups) => void (draft.person.groups = groups)),
    facet(
      'hour and weekday',
      timesOf(at),
      (draft, time) => void (draft.time = time),
      (time) => new Date(time).toISOString(),
    ),
    facet('token', ['shown', 'none'] as const, (draft, token) => {
      if (token === 'none') draft.token = null;
    }),
    facet('age of the token in seconds', [0, ...counts(['context', 'token', 'age_seconds'])], (draft, age) => {
      if (draft.token !== null) draft.token.age = age;
    }),
    facet('binding of the token', ['dpop', 'mtls'] as const, (draft, binding) => {
      if (draft.token !== null) draft.token.binding = binding;
    }),
    facet(
      'age of the task in seconds',
      [0, ...counts(['context', 'task', 'age_seconds'])],
      (draft, age) => void (draft.task.age = age),
    ),
    facet(
      'calls of the task',
      [0, ...counts(['context', 'task', 'calls'])],
      (draft, calls) => void (draft.task.calls = calls),
    ),
    ...LEFT.filter((part) => mentions.paths.has(JSON.stringify(['context', 'task', 'left', part]))).map((part) =>
      facet(
        `${part} left in the budget`,
        [null, 1, ...counts(['context', 'task', 'left', part])],
        (draft, left) => void (draft.task.left[part] = left),
      ),
    ),
    facet(
      'profile',
      [null, ...texts(['context', 'task', 'profile', 'name'])],
      (draft, name) => void (draft.task.profile = name === null ? null : { name, version: 1 }),
    ),
    facet('version of the profile', [1, ...counts(['context', 'task', 'profile', 'version'])], (draft, version) => {
      if (draft.task.profile !== null) draft.task.profile.version = version;
    }),
    facet('purpose', [null, ...texts(['context', 'task', 'purpose'])], (draft, purpose) => {
      if (purpose !== null) draft.task.purpose = purpose;
    }),
    facet(
      'ceiling of the task',
      ['restricted', ...SENSITIVITIES],
      (draft, level) => void (draft.task.sensitivity = level as never),
    ),
    facet(
      'labels',
      [null, ...texts(['context', 'task', 'labels']).map((label) => [label])],
      (draft, labels) => void (draft.task.labels = labels),
    ),
    facet(
      'sensitivity of what was read',
      mentions.paths.has(JSON.stringify(['context', 'task', 'touched', 'level'])) ? [null, ...SENSITIVITIES] : [null],
      (draft, level) => {
        if (level !== null) draft.task.labels = [...(draft.task.labels ?? []), sensitivityLabel(level as never)];
      },
    ),
    ...trailFacets(mentions, counts),
    facet(
      'hops before',
      [0, 1, 2, ...counts(['context', 'task', 'depth']).filter((depth) => depth <= MOST_DEEP)],
      (draft, depth) => void (draft.depth = depth),
    ),
    facet(
      'age of the first task in seconds',
      [0, ...counts(['context', 'root', 'age_seconds'])],
      (draft, age) => void (draft.root.age = age),
    ),
    facet('calls of the first task', [0, ...counts(['context', 'root', 'calls'])], (draft, calls) => {
      draft.root.calls = calls;
      if (draft.depth === 0) draft.task.calls = Math.max(draft.task.calls, calls);
    }),
    facet('purpose of the first task', [null, ...texts(['context', 'root', 'purpose'])], (draft, purpose) => {
      if (purpose !== null) draft.root.purpose = purpose;
    }),
    facet('first agent', [null, ...ids('Agent')], (draft, id) => {
      if (id !== null) draft.root.agent = id;
    }),
    facet(
      'trust in the origin',
      ['authenticated', 'organisation', 'outside'] as const,
      (draft, trust) => void (draft.origin = { ...draft.origin, trust }),
    ),
    facet(
      'channel',
      ['api', ...texts(['context', 'origin', 'channel'])],
      (draft, channel) => void (draft.origin = { ...draft.origin, channel: channel as never }),
    ),
    facet('author', [null, ...texts(['context', 'origin', 'author'])], (draft, author) => {
      if (author !== null) draft.origin = { ...draft.origin, author };
    }),
    facet('approved by', [null, ...approvers], (draft, by) => void (draft.approvedBy = by)),
    ...personFacets(at),
    ...recordFacets('argument', ['context', 'args'], mentions, (draft) => draft.arguments),
    ...recordFacets('parameter', ['context', 'task', 'parameters'], mentions, (draft) => draft.task.parameters),
    ...flowFacets(texts),
    ...recordFacets('provenance of', ['context', 'provenance'], mentions, (draft) => draft.provenance),
  ];
  return facets.filter(({ choices }) => choices.length > 1);
}

/** What was done before: of each effect and each operation that policies count, or ask for. */
function trailFacets(mentions: Mentions, counts: (...paths: string[][]) => number[]): Facet[] {
  const operations = new Set<string>();
  for (const path of mentions.paths.keys()) {
    const [root, task, did, operation] = JSON.parse(path) as string[];
    if (root === 'context' && task === 'task' && did === 'did' && operation !== undefined) operations.add(operation);
  }
  const done = (draft: Draft, operation: string, effect: Effect, times: number) => {
    const at = draft.time - 60_000;
    if (times > 0) draft.task.done[operation] = { effect, times, succeeded: times, firstAt: at, lastAt: at };
  };
  return [
    ...EFFECTS.map((effect) =>
      facet(`actions before that ${effect}`, [0, ...counts(['context', 'task', 'effects', effect])], (draft, times) =>
        done(draft, `any-target:${effect}`, effect, times),
      ),
    ),
    ...[...operations].map((operation) =>
      facet(
        `calls before of ${operation}`,
        [0, 1, ...counts(...['times', 'succeeded'].map((part) => ['context', 'task', 'did', operation, part]))],
        (draft, times) => done(draft, operation, 'read', times),
      ),
    ),
  ];
}

/** The origins that policies ask for of each part of the flow; an action has a flow where any of them is looked at. */
function flowFacets(texts: (...paths: string[][]) => string[]): Facet[] {
  return (['targets', 'addresses', 'settings', 'content', 'links'] as const).map((part) =>
    facet(
      `origins of ${part}`,
      [null, ...texts(['context', 'flow', part]).map((origin) => [origin as ArgumentOrigin])],
      (draft, origins) => {
        if (origins === null) return;
        draft.flow = {
          targets: [],
          addresses: [],
          settings: [],
          content: [],
          links: [],
          ...draft.flow,
          [part]: origins,
        };
      },
    ),
  );
}

/** The request at a point. */
export function draftAt(facets: readonly Facet[], point: Point): Draft {
  const draft = plainDraft({ target: 'any-target', operation: 'any', effect: 'read' });
  for (const [place, { choices }] of facets.entries()) choices[point[place]!]!.apply(draft);
  return draft;
}

function facet<Value>(
  name: string,
  values: readonly Value[],
  set: (draft: Draft, value: Value) => void,
  show: (value: Value) => string = (value) =>
    value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value),
): Facet {
  const distinct = new Map(values.map((value) => [JSON.stringify(value), value]));
  return {
    name,
    choices: [...distinct.values()].map((value) => ({ label: show(value), apply: (draft) => set(draft, value) })),
  };
}

/** None, each by itself, all, and all but one. */
function subsetFacet(name: string, groups: readonly string[], set: (draft: Draft, groups: string[]) => void): Facet {
  const single = groups.map((group) => [group]);
  const butOne =
    groups.length < 3 || groups.length > 12 ? [] : groups.map((left) => groups.filter((group) => group !== left));
  return facet(name, [[], ...single, [...groups], ...butOne], set);
}

type PathReader = (...paths: string[][]) => Sample[];

function pathReader({ paths }: Mentions): PathReader {
  return (...asked) => asked.flatMap((path) => [...(paths.get(JSON.stringify(path))?.samples ?? [])]);
}

/** What is known of a person, read as the principal or as the delegator. */
function personFacets(at: PathReader): Facet[] {
  const of = (name: string) =>
    at(['principal', name], ['context', 'delegator', name], ['context', 'task', 'delegator', name]).filter(
      (sample) => typeof sample === 'string',
    );
  const ages = at(['principal', 'auth_time'], ['context', 'delegator', 'auth_time'], ['context', 'now', 'time']).filter(
    (sample) => typeof sample === 'number',
  );
  return [
    facet(
      'subject',
      [null, ...of('subject')],
      (draft, subject) => void (draft.person.subject = subject ?? draft.person.subject),
    ),
    facet(
      'issuer',
      [null, ...of('issuer')],
      (draft, issuer) => void (draft.person.issuer = issuer ?? draft.person.issuer),
    ),
    facet('e-mail', [null, 'any@example.test', ...of('email')], (draft, email) => {
      if (email !== null) draft.person.email = email;
    }),
    facet('acr', [null, 'any', ...of('acr')], (draft, acr) => {
      if (acr !== null) draft.person.acr = acr;
    }),
    subsetFacet('amr', of('amr'), (draft, amr) => void (draft.person.amr = amr)),
    facet('age of the sign-in in seconds', [null, 0, ...ages], (draft, age) => {
      if (age !== null) draft.person.authTime = Math.floor(draft.time / 1000) - age;
    }),
  ];
}

function recordFacets(
  label: string,
  prefix: readonly string[],
  { paths }: Mentions,
  record: (draft: Draft) => Draft['arguments'],
): Facet[] {
  const below = [...paths.values()].filter(
    ({ path }) => path.length > prefix.length && prefix.every((name, place) => path[place] === name),
  );
  return below.map(({ path, samples, isSet }) => {
    const names = path.slice(prefix.length);
    const found: JsonValue[] = isSet
      ? [[], ...[...samples].map((sample) => [sample]), [...samples, 'any']]
      : [...samples, 'any', 0];
    return facet<JsonValue | undefined>(
      `${label} ${names.join('.')}`,
      [undefined, ...found],
      (draft, value) => {
        if (value !== undefined) setAt(record(draft), names, value);
      },
      (value) => (value === undefined ? 'absent' : JSON.stringify(value)),
    );
  });
}

/** Every hour beside one that is mentioned, on every day of the week that is told apart; and instants. */
function timesOf(at: PathReader): number[] {
  const numbers = (name: string) => at(['context', 'now', name]).filter((sample) => typeof sample === 'number');
  const hours = [10, ...numbers('hour').filter((hour) => hour >= 0 && hour < 24)];
  const days = [1, ...numbers('weekday').filter((day) => day >= 1 && day <= 7)];
  const instants = at(['context', 'now', 'time']).flatMap((sample) => {
    const time = typeof sample === 'string' ? Date.parse(sample) : Number.NaN;
    return Number.isNaN(time) ? [] : [time - 1, time, time + 1];
  });
  const clock = days.flatMap((day) => hours.map((hour) => MONDAY_10 + (day - 1) * DAY + (hour - 10) * HOUR));
  return [...clock, ...instants];
}

/** Operations by name with the effect that they have, or any where that is not known; and each effect at each target. */
function actionsOf(mentions: Mentions, catalogue: Catalogue): Draft['action'][] {
  const named = [...(mentions.entities.get('Action') ?? [])].filter((id) => id.includes(':'));
  const pairs = named.map((id) => ({ target: id.slice(0, id.indexOf(':')), operation: id.slice(id.indexOf(':') + 1) }));
  const known = catalogue.targets.flatMap(({ name: target, operations }) =>
    operations.map(({ name: operation, effect }) => ({ target, operation, effect })),
  );
  const effectsOf = ({ target, operation }: (typeof pairs)[number]): readonly Effect[] => {
    const found = known.find((each) => each.target === target && each.operation === operation);
    return found === undefined ? EFFECTS : [found.effect];
  };
  const targets = new Set([
    ...(mentions.entities.get('Target') ?? []),
    ...[...(mentions.entities.get('Resource') ?? [])].map((id) => id.slice(0, Math.max(0, id.indexOf(':')))),
    ...pairs.map(({ target }) => target),
    ...known.map(({ target }) => target),
  ]);
  targets.delete('remit');
  const anywhere = ['any-target', ...targets].flatMap((target) =>
    EFFECTS.map((effect) => ({ target, operation: `any ${effect}`, effect })),
  );
  const byName = pairs.flatMap((pair) => effectsOf(pair).map((effect) => ({ ...pair, effect })));
  return [...anywhere, ...byName, ...known].sort((a, b) => Number(a.target === 'remit') - Number(b.target === 'remit'));
}
