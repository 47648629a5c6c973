import type { ValueJson } from '../../src/pdp/cedar/literal.ts';
import type { EntityJson } from './cedar-json.ts';
import { DATETIMES, DECIMALS, DURATIONS, IPS, LONGS, STRINGS } from './cedar-literals.ts';

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
/** Of the last there is never an entity. */
const TYPES = ['User', 'Group', 'Space::File', 'Unknown'];
const IDS = ['a', 'b', 'c', 'é"\\😀\0', '__proto__'];
const ACTIONS = ['read', 'write', 'all', 'every'];
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
    const uids = TYPES.slice(0, -1)
      .flatMap((type) => IDS.map((id) => ({ type, id })))
      .filter(() => this.#chance(0.4));
    // Parents come later in the list, so that the hierarchy has no loop: Cedar would refuse one.
    const entities: EntityJson[] = uids.map((uid, place) => ({
      uid,
      attrs: this.#members(2),
      parents: [
        ...uids.slice(place + 1).filter(() => this.#chance(0.25)),
        ...(this.#chance(0.1) ? [{ type: 'Unknown', id: this.#pick(IDS) }] : []),
      ],
      tags: this.#chance(0.5) ? this.#members(1) : {},
    }));
    const all = { type: 'Action', id: 'all' };
    const every = { type: 'Action', id: 'every' };
    return [
      ...entities,
      { uid: { type: 'Action', id: 'read' }, attrs: {}, parents: this.#chance(0.7) ? [all] : [] },
      { uid: { type: 'Action', id: 'write' }, attrs: {}, parents: this.#chance(0.3) ? [all] : [] },
      { uid: all, attrs: {}, parents: this.#chance(0.5) ? [every] : [] },
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
        return this.#setOf(this.#chance(0.5) ? ['entity'] : ['long', 'string', 'entity', 'decimal', 'record'], depth);
      case 'record':
        return depth > 0 ? this.#members(depth - 1) : {};
      case 'decimal':
        return { __extn: { fn: 'decimal', arg: this.#pick(DECIMALS.valid) } };
      case 'ip':
        return { __extn: { fn: 'ip', arg: this.#pick(IPS.valid) } };
      case 'datetime': {
        const datetime = { __extn: { fn: 'datetime', arg: this.#pick(DATETIMES.valid) } };
        if (this.#chance(0.7)) return datetime;
        return { __extn: { fn: 'offset', args: [datetime, { __extn: { fn: 'duration', arg: '-1d' } }] } };
      }
      case 'duration':
        return { __extn: { fn: 'duration', arg: this.#pick(DURATIONS.valid) } };
    }
  }

  /** At times more than a scan would be used for. */
  #setOf(kinds: readonly Kind[], depth: number): ValueJson[] {
    const length = this.#chance(0.1) ? 12 : this.#below(4);
    return Array.from({ length }, () => this.#value(this.#pick(kinds), Math.max(depth - 1, 0)));
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

  /** Mostly valid, or a valid one with a character changed, left out or repeated: mostly not. */
  #edge({ valid, invalid }: { valid: readonly string[]; invalid: readonly string[] }): string {
    if (this.#chance(0.7)) return this.#pick(valid);
    if (this.#chance(0.5)) return this.#pick(invalid);
    const text = this.#pick(valid);
    const at = this.#below(text.length);
    const instead = this.#pick(['', '0', '9', '.', ':', '-', 'ms', text[at]! + text[at]!]);
    return text.slice(0, at) + instead + text.slice(at + 1);
  }

  #quote(text: string): string {
    return `"${text.replace(/["\\\n\0é]/g, (c) => this.#pick(ESCAPES[c]!))}"`;
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
        return `decimal(${this.#quote(this.#edge(DECIMALS))})`;
      case 'ip':
        return `ip(${this.#quote(this.#edge(IPS))})`;
      case 'datetime':
        return `datetime(${this.#quote(this.#edge(DATETIMES))})`;
      case 'duration':
        return `duration(${this.#quote(this.#edge(DURATIONS))})`;
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
          () => Array.from({ length: 4 }, () => e('long')).join(` ${this.#pick(['+', '-', '*'])} `),
          () => `${e('long')} ${this.#pick(['+', '-', '*'])} ${e('long')} ${this.#pick(['+', '-', '*'])} ${e('long')}`,
          () => `${this.#pick(['-', '--', '- -'])}${e('long')}`,
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
      () => `${e('bool')} && ${e('bool')} || ${e('bool')} && ${e('bool')}`,
      () => `${this.#pick(['!', '!!'])}${e('bool')}`,
      () => `${e(same)} ${this.#pick(['==', '!='])} ${e(same)}`,
      () => `${any()} == ${any()}`,
      () => `${e(ordered)} ${this.#pick(['<', '<=', '>', '>='])} ${e(ordered)}`,
      () => `${e('entity')} in ${this.#chance(0.6) ? e('entity') : `[${this.#uidText()}, ${e('entity')}]`}`,
      () => `${e('entity')} in (${e('set')})`,
      () =>
        `${e('entity')} is ${this.#pick(TYPES)}${this.#chance(0.4) ? ` in ${this.#chance(0.7) ? e('entity') : `(${e('set')})`}` : ''}`,
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
    const path = Array.from({ length: this.#chance(0.3) ? this.#below(3) + 1 : 0 }, () =>
      this.#pick(['nested', 'owner']),
    );
    return [...path, this.#pick(names)].join('.');
  }

  #pattern(): string {
    const elements = [
      '*',
      '*',
      '\\*',
      'a',
      'b',
      'ab',
      'abc',
      'é',
      '😀',
      '\\u{1F600}',
      'x',
      '\\"',
      '\\\\',
      '\\n',
      '\\0',
    ];
    return `"${Array.from({ length: this.#below(5) }, () => this.#pick(elements)).join('')}"`;
  }
}

/** The ways to write a character. */
const ESCAPES: Readonly<Record<string, readonly string[]>> = {
  '"': ['\\"', '\\u{22}'],
  '\\': ['\\\\', '\\x5C'],
  '\n': ['\\n', '\n', '\\u{00000a}'],
  '\0': ['\\0', '\\x00', '\0'],
  é: ['\\u{e9}', '\\u{E9}', 'é'],
};
