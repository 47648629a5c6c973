import type { ValueJson } from '../../src/pdp/cedar/literal.ts';
import type { EntityJson } from './cedar-json.ts';

/** A policy set, entities and requests, drawn so that values meet, types mostly fit, and errors happen. */
export type GeneratedCase = {
  staticPolicies: Record<string, string>;
  templates: Record<string, string>;
  links: { templateId: string; newId: string; values: Record<string, Uid> }[];
  entities: EntityJson[];
  requests: { principal: Uid; action: Uid; resource: Uid; context: Record<string, ValueJson> }[];
};

type Uid = { type: string; id: string };
type Kind = 'bool' | 'long' | 'string' | 'entity' | 'set' | 'record' | 'decimal' | 'ip' | 'datetime' | 'duration';

const KINDS: Kind[] = ['bool', 'long', 'string', 'entity', 'set', 'record', 'decimal', 'ip', 'datetime', 'duration'];
const TYPES = ['User', 'Group', 'Space::File'];
const IDS = ['a', 'b', 'c', 'é"\\😀', '__proto__'];
const ACTIONS = ['read', 'write', 'all'];
/** Attribute names with the kind of their usual value. */
const ATTRS: Readonly<Record<string, Kind>> = Object.fromEntries<Kind>([
  ['flag', 'bool'],
  ['count', 'long'],
  ['name', 'string'],
  ['owner', 'entity'],
  ['tags', 'set'],
  ['nested', 'record'],
  ['price', 'decimal'],
  ['addr', 'ip'],
  ['at', 'datetime'],
  ['took', 'duration'],
  ['odd name', 'string'],
  ['constructor', 'long'],
  ['toString', 'string'],
]);
const STRINGS = ['', 'a', 'ab', 'abcabc', 'a*b', 'é😀', 'x"y\\z', 'line\nbreak', 'constructor', 'null'];
const LONGS = [
  '0',
  '1',
  '2',
  '7',
  '100',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '4611686018427387904',
  '9223372036854775806',
  '9223372036854775807',
];
const DECIMALS = [
  '0.0',
  '1.5',
  '-1.5',
  '0.1234',
  '922337203685477.5807',
  '-922337203685477.5808',
  '1.50',
  '7',
  '1.23456',
];
const IPS = [
  '127.0.0.1',
  '127.0.0.0/8',
  '10.1.2.3',
  '10.0.0.0/8',
  '0.0.0.0/0',
  '224.0.0.1',
  '::1',
  '::/0',
  'ff02::1',
  '2001:db8::/32',
  '1:2:3:4:5:6:7::',
  '10.0.0.1/33',
  '::ffff:1.2.3.4',
  'x',
];
const DATETIMES = [
  '1970-01-01',
  '2024-02-29',
  '2023-02-29',
  '2024-10-15T11:38:02Z',
  '2024-10-15T11:38:02.101Z',
  '1969-12-31T23:59:59.999Z',
  '2024-10-15T11:38:02.101+0530',
  '2024-10-15T11:38:02-2359',
  '0000-01-01',
  '9999-12-31T23:59:59.999-2359',
  '2024-13-01',
  'now',
];
const DURATIONS = [
  '0ms',
  '1d2h3m4s5ms',
  '-1d',
  '90m',
  '24h',
  '1ms',
  '-9223372036854775808ms',
  '9223372036854775807ms',
  '1h1d',
  '',
];

export function generateCase(seed: number): GeneratedCase {
  return new Generator(seed).case();
}

class Generator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  case(): GeneratedCase {
    const staticPolicies: Record<string, string> = {};
    const templates: Record<string, string> = {};
    const links: GeneratedCase['links'] = [];
    for (let n = this.#below(5) + 1; n > 0; n--) staticPolicies[`p${n}`] = this.#policy(null);
    if (this.#chance(0.2)) {
      const slots = this.#pick([['?principal'], ['?resource'], ['?principal', '?resource']]);
      templates['t0'] = this.#policy(slots);
      for (let n = this.#below(3); n > 0; n--) {
        links.push({
          templateId: 't0',
          newId: `l${n}`,
          values: Object.fromEntries(slots.map((s) => [s, this.#uid()])),
        });
      }
    }
    // Enough policies under few heads for the index to branch.
    if (this.#chance(0.1)) {
      for (let n = 0; n < 20; n++) {
        staticPolicies[`s${n}`] = `${this.#pick(['permit', 'forbid'])} ${this.#scope(null)};`;
      }
    }
    const entities = this.#entities();
    return { staticPolicies, templates, links, entities, requests: Array.from({ length: 8 }, () => this.#request()) };
  }

  /** mulberry32: a small generator whose sequence a seed fixes. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  #below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }
  #chance(probability: number): boolean {
    return this.#next() < probability;
  }
  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!;
  }

  #uid(): Uid {
    return { type: this.#pick(TYPES), id: this.#pick(IDS) };
  }
  #actionUid(): Uid {
    return { type: 'Action', id: this.#pick(ACTIONS) };
  }
  #uidText({ type, id } = this.#uid()): string {
    return `${type}::${this.#quote(id)}`;
  }

  #request(): GeneratedCase['requests'][number] {
    return { principal: this.#uid(), action: this.#actionUid(), resource: this.#uid(), context: this.#members(2) };
  }

  #entities(): EntityJson[] {
    const uids = TYPES.flatMap((type) => IDS.map((id) => ({ type, id }))).filter(() => this.#chance(0.4));
    // Parents come later in the list, so that the hierarchy has no loop: Cedar would refuse one.
    const entities: EntityJson[] = uids.map((uid, place) => ({
      uid,
      attrs: this.#members(2),
      parents: uids.slice(place + 1).filter(() => this.#chance(0.25)),
      tags: this.#chance(0.5) ? this.#members(1) : {},
    }));
    const all = { type: 'Action', id: 'all' };
    return [
      ...entities,
      { uid: { type: 'Action', id: 'read' }, attrs: {}, parents: this.#chance(0.7) ? [all] : [] },
      { uid: { type: 'Action', id: 'write' }, attrs: {}, parents: this.#chance(0.3) ? [all] : [] },
      { uid: all, attrs: {}, parents: [] },
    ];
  }

  #members(depth: number): Record<string, ValueJson> {
    const names = Object.keys(ATTRS).filter(() => this.#chance(0.4));
    return Object.fromEntries(
      names.map((name) => [name, this.#value(this.#chance(0.9) ? ATTRS[name]! : this.#pick(KINDS), depth)]),
    );
  }

  /** Data holds what a JSON number keeps exactly: the oracle's interface takes no more. */
  #value(kind: Kind, depth: number): ValueJson {
    switch (kind) {
      case 'bool':
        return this.#chance(0.5);
      case 'long':
        return this.#pick([0, 1, -1, 2, 7, 100, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
      case 'string':
        return this.#pick(STRINGS);
      case 'entity':
        return { __entity: this.#uid() };
      case 'set':
        return Array.from({ length: this.#below(4) }, () => this.#value(this.#pick(['long', 'string', 'entity']), 0));
      case 'record':
        return depth > 0 ? this.#members(depth - 1) : {};
      case 'decimal':
        return { __extn: { fn: 'decimal', arg: this.#pick(DECIMALS.slice(0, 7)) } };
      case 'ip':
        return { __extn: { fn: 'ip', arg: this.#pick(IPS.slice(0, 11)) } };
      case 'datetime':
        return { __extn: { fn: 'datetime', arg: this.#pick(['1970-01-01', '2024-10-15T11:38:02Z', '1960-02-29']) } };
      case 'duration':
        return { __extn: { fn: 'duration', arg: this.#pick(['0ms', '1d2h', '-1d']) } };
    }
  }

  #policy(slots: readonly string[] | null): string {
    const conditions = Array.from(
      { length: this.#below(3) },
      () => `${this.#pick(['when', 'unless'])} { ${this.#expr('bool', 4)} }`,
    );
    return `${this.#pick(['permit', 'forbid'])} ${this.#scope(slots)} ${conditions.join(' ')};`;
  }

  #scope(slots: readonly string[] | null): string {
    const action = this.#pick([
      'action',
      'action',
      `action == ${this.#uidText(this.#actionUid())}`,
      `action in ${this.#uidText(this.#actionUid())}`,
      `action in [${this.#uidText(this.#actionUid())}, ${this.#uidText(this.#actionUid())}]`,
      'action in []',
    ]);
    return `(${this.#head('principal', slots)}, ${action}, ${this.#head('resource', slots)})`;
  }

  #head(variable: 'principal' | 'resource', slots: readonly string[] | null): string {
    const slot = slots?.find((name) => name === `?${variable}`);
    const uid = slot ?? this.#uidText();
    const forms = [`${variable} == ${uid}`, `${variable} in ${uid}`, `${variable} is ${this.#pick(TYPES)} in ${uid}`];
    return this.#pick(
      slot === undefined ? [variable, variable, `${variable} is ${this.#pick(TYPES)}`, ...forms] : forms,
    );
  }

  #quote(text: string): string {
    return `"${text.replace(/["\\\né]/g, (c) => ESCAPES[c]!)}"`;
  }

  #expr(wanted: Kind, depth: number): string {
    const kind = this.#chance(0.04) ? this.#pick(KINDS) : wanted;
    if (depth <= 0 || this.#chance(0.15)) return this.#leaf(kind);
    if (this.#chance(0.06)) {
      return `(if ${this.#expr('bool', depth - 1)} then ${this.#expr(kind, depth - 1)} else ${this.#expr(kind, depth - 1)})`;
    }
    if (this.#chance(0.3)) return this.#access(kind, depth);
    return `(${this.#operation(kind, depth - 1)})`;
  }

  #leaf(kind: Kind): string {
    switch (kind) {
      case 'bool':
        return this.#pick(['true', 'false']);
      case 'long': {
        const digits = this.#pick(LONGS);
        return this.#chance(0.3) ? (this.#chance(0.1) ? '-9223372036854775808' : `-${digits}`) : digits;
      }
      case 'string':
        return this.#quote(this.#pick(STRINGS));
      case 'entity':
        return this.#pick(['principal', 'resource', 'action', this.#uidText()]);
      case 'set':
        return '[]';
      case 'record':
        return this.#pick(['context', '{}']);
      case 'decimal':
        return `decimal(${this.#quote(this.#pick(DECIMALS))})`;
      case 'ip':
        return `ip(${this.#quote(this.#pick(IPS))})`;
      case 'datetime':
        return `datetime(${this.#quote(this.#pick(DATETIMES))})`;
      case 'duration':
        return `duration(${this.#quote(this.#pick(DURATIONS))})`;
    }
  }

  #access(kind: Kind, depth: number): string {
    const fitting = Object.keys(ATTRS).filter((name) => ATTRS[name] === kind);
    const owner = this.#chance(0.6)
      ? this.#pick(['principal', 'resource', 'context', 'context.nested'])
      : `(${this.#expr(this.#pick(['entity', 'record']), depth - 1)})`;
    if (this.#chance(0.15)) return `${owner}.getTag(${this.#quote(this.#pick(fitting))})`;
    return `${owner}${this.#member(this.#pick(fitting))}`;
  }

  #member(name: string): string {
    return /^\w+$/.test(name) && this.#chance(0.8) ? `.${name}` : `[${this.#quote(name)}]`;
  }

  #operation(kind: Kind, depth: number): string {
    const e = (wanted: Kind) => this.#expr(wanted, depth);
    const any = () => this.#expr(this.#pick(KINDS), depth);
    switch (kind) {
      case 'bool':
        return this.#test(e, any);
      case 'long':
        return this.#pick([
          () => `${e('long')} ${this.#pick(['+', '-', '*'])} ${e('long')}`,
          () => `-${e('long')}`,
          () => `(${e('duration')}).${this.#pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])}()`,
        ])();
      case 'set':
        return `[${Array.from({ length: this.#below(4) }, any).join(', ')}]`;
      case 'record': {
        const names = Object.keys(ATTRS).filter(() => this.#chance(0.2));
        return `{${names.map((name) => `${this.#quote(name)}: ${e(ATTRS[name]!)}`).join(', ')}}`;
      }
      case 'datetime':
        return this.#pick([() => `(${e('datetime')}).offset(${e('duration')})`, () => `(${e('datetime')}).toDate()`])();
      case 'duration':
        return this.#pick([
          () => `(${e('datetime')}).durationSince(${e('datetime')})`,
          () => `(${e('datetime')}).toTime()`,
        ])();
      case 'string':
      case 'entity':
      case 'decimal':
      case 'ip':
        return this.#leaf(kind);
    }
  }

  #test(e: (wanted: Kind) => string, any: () => string): string {
    const ordered = this.#pick<Kind>(['long', 'long', 'datetime', 'duration']);
    const same = this.#pick(KINDS);
    return this.#pick([
      () => Array.from({ length: this.#below(3) + 2 }, () => e('bool')).join(' && '),
      () => Array.from({ length: this.#below(3) + 2 }, () => e('bool')).join(' || '),
      () => `!${e('bool')}`,
      () => `${e(same)} ${this.#pick(['==', '!='])} ${e(same)}`,
      () => `${any()} == ${any()}`,
      () => `${e(ordered)} ${this.#pick(['<', '<=', '>', '>='])} ${e(ordered)}`,
      () => `${e('entity')} in ${this.#chance(0.6) ? e('entity') : `[${this.#uidText()}, ${e('entity')}]`}`,
      () => `${e('entity')} in (${e('set')})`,
      () => `${e('entity')} is ${this.#pick(TYPES)}${this.#chance(0.4) ? ` in ${e('entity')}` : ''}`,
      () => `(${e('set')}).contains(${any()})`,
      () => `(${e('set')}).${this.#pick(['containsAll', 'containsAny'])}(${e('set')})`,
      () => `(${e('set')}).isEmpty()`,
      () => `(${e(this.#pick(['entity', 'record']))}) has ${this.#hasPath()}`,
      () => `(${e('entity')}).hasTag(${e('string')})`,
      () => `${e('string')} like ${this.#pattern()}`,
      () => `(${e('ip')}).${this.#pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])}()`,
      () => `(${e('ip')}).isInRange(${e('ip')})`,
      () =>
        `(${e('decimal')}).${this.#pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])}(${e('decimal')})`,
    ])();
  }

  #hasPath(): string {
    const names = Object.keys(ATTRS).filter((name) => /^\w+$/.test(name));
    if (this.#chance(0.2)) return this.#quote(this.#pick(Object.keys(ATTRS)));
    return this.#chance(0.3) ? `${this.#pick(['nested', 'owner'])}.${this.#pick(names)}` : this.#pick(names);
  }

  #pattern(): string {
    return this.#pick([
      '"*"',
      '"a*"',
      '"*b"',
      '"*b*"',
      '"a\\*b"',
      '"*abc*c"',
      '""',
      '"a*b*c"',
      '"*😀"',
      '"x\\"y*"',
      '"ab*ab"',
    ]);
  }
}

const ESCAPES: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', é: '\\u{e9}' };
