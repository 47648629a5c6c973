/**
 * Values of the Cedar language. A `Long` is a number while it is safe and a bigint beyond, so that each integer has one
 * form, nothing is rounded, and the usual case costs no allocation.
 */
export type Value =
  | boolean
  | string
  | Long
  | EntityUid
  | CedarSet
  | CedarRecord
  | Decimal
  | Datetime
  | Duration
  | IpAddress;

/** A signed integer of 64 bits. */
export type Long = number | bigint;

/** Evaluation of one policy failed: Cedar's skip, Remit's deny. The message is for people. */
export class EvaluationError extends Error {}

export class EntityUid {
  readonly type: string;
  readonly id: string;
  constructor(type: string, id: string) {
    this.type = type;
    this.id = id;
  }
  is(other: EntityUid): boolean {
    return this === other || (this.id === other.id && this.type === other.type);
  }
}

/** Elements may repeat: no operator of the language can tell, and an equal set has the same distinct elements. */
export class CedarSet {
  readonly items: readonly Value[];
  #keys: ReadonlySet<string> | undefined;
  constructor(items: readonly Value[]) {
    this.items = items;
  }
  contains(value: Value): boolean {
    if (this.items.length <= FEW) return this.items.some((item) => equal(item, value));
    return this.keys().has(keyOf(value));
  }
  keys(): ReadonlySet<string> {
    return (this.#keys ??= new Set(this.items.map(keyOf)));
  }
}

/** Below this a scan beats building an index. */
const FEW = 8;

/** A record that may make its members only when they are looked at. */
export abstract class CedarRecord {
  /** The member of that name, or `undefined`; a name of `Object.prototype` is no exception. */
  abstract get(name: string): Value | undefined;
  abstract names(): readonly string[];
}

export class EagerRecord extends CedarRecord {
  readonly #members: ReadonlyMap<string, Value>;
  constructor(members: Iterable<readonly [string, Value]>) {
    super();
    this.#members = new Map(members);
  }
  override get(name: string): Value | undefined {
    return this.#members.get(name);
  }
  override names(): readonly string[] {
    return [...this.#members.keys()];
  }
}

/** A decimal of four fractional digits. */
export class Decimal {
  /** Ten-thousandths. */
  readonly units: Long;
  constructor(units: Long) {
    this.units = units;
  }
}

export class Datetime {
  /** Milliseconds since the epoch. */
  readonly ms: Long;
  constructor(ms: Long) {
    this.ms = ms;
  }
}

export class Duration {
  readonly ms: Long;
  constructor(ms: Long) {
    this.ms = ms;
  }
}

/** An address or a range of addresses. */
export class IpAddress {
  readonly version: 4 | 6;
  readonly bits: bigint;
  readonly prefix: number;
  constructor(version: 4 | 6, bits: bigint, prefix: number) {
    this.version = version;
    this.bits = bits;
    this.prefix = prefix;
  }
}

const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;

/** @throws EvaluationError when the integer does not fit 64 bits. */
export function toLong(value: Long): Long {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : toLong(BigInt(value));
  if (value < MIN_LONG || value > MAX_LONG) throw new EvaluationError('an integer does not fit 64 bits');
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value;
}

export function addLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return toLong(BigInt(a) + BigInt(b));
}

export function subtractLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return toLong(BigInt(a) - BigInt(b));
}

export function multiplyLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    // `+ 0`: an integer has no negative zero.
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return toLong(BigInt(a) * BigInt(b));
}

/** Division that drops the fraction, as the durations' accessors do. */
export function divideLong(a: Long, by: number): Long {
  return typeof a === 'number' ? Math.trunc(a / by) + 0 : toLong(a / BigInt(by));
}

/** Cedar's `==`: never an error; values of two types are not equal. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof EntityUid) return b instanceof EntityUid && a.is(b);
  if (a instanceof CedarSet) return b instanceof CedarSet && equalSets(a, b);
  if (a instanceof Decimal) return b instanceof Decimal && a.units === b.units;
  if (a instanceof Datetime) return b instanceof Datetime && a.ms === b.ms;
  if (a instanceof Duration) return b instanceof Duration && a.ms === b.ms;
  if (a instanceof IpAddress) {
    return b instanceof IpAddress && a.version === b.version && a.bits === b.bits && a.prefix === b.prefix;
  }
  return b instanceof CedarRecord && equalRecords(a, b);
}

function equalSets(a: CedarSet, b: CedarSet): boolean {
  const left = a.keys();
  const right = b.keys();
  if (left.size !== right.size) return false;
  for (const key of left) if (!right.has(key)) return false;
  return true;
}

function equalRecords(a: CedarRecord, b: CedarRecord): boolean {
  const names = a.names();
  return (
    names.length === b.names().length &&
    names.every((name) => {
      const other = b.get(name);
      return other !== undefined && equal(a.get(name)!, other);
    })
  );
}

/** A text that two values share exactly when they are equal. */
export function keyOf(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return `${value}`;
  if (value instanceof EntityUid) return `entity ${JSON.stringify([value.type, value.id])}`;
  if (value instanceof CedarSet) return `{${[...value.keys()].sort().join()}}`;
  if (value instanceof Decimal) return `decimal ${value.units}`;
  if (value instanceof Datetime) return `datetime ${value.ms}`;
  if (value instanceof Duration) return `duration ${value.ms}`;
  if (value instanceof IpAddress) return `ip ${value.version} ${value.bits}/${value.prefix}`;
  const members = [...value.names()].sort().map((name) => `${JSON.stringify(name)}:${keyOf(value.get(name)!)}`);
  return `record {${members.join()}}`;
}

/** The type's name as an error message says it. */
export function typeName(value: Value): string {
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'boolean') return 'a boolean';
  if (typeof value === 'number' || typeof value === 'bigint') return 'an integer';
  if (value instanceof EntityUid) return `an entity of type \`${value.type}\``;
  if (value instanceof CedarSet) return 'a set';
  if (value instanceof Decimal) return 'a decimal';
  if (value instanceof Datetime) return 'a datetime';
  if (value instanceof Duration) return 'a duration';
  if (value instanceof IpAddress) return 'an IP address';
  return 'a record';
}
