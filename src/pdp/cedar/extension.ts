import {
  addLong,
  Datetime,
  Decimal,
  divideLong,
  Duration,
  EvaluationError,
  IpAddress,
  subtractLong,
  toLong,
  typeName,
  type Long,
  type Value,
} from './value.ts';
import { parseIp } from './ip.ts';

type Extension = { arity: number; call: (args: readonly Value[]) => Value };

const DAY_MS = 86_400_000;

/** The extension functions of Cedar 4.5 (language reference, "Extension types"), by the name in a policy's JSON form. */
export const EXTENSIONS: ReadonlyMap<string, Extension> = new Map(
  Object.entries<Extension>({
    decimal: { arity: 1, call: ([text]) => parseDecimal(string(text!)) },
    lessThan: decimals((a, b) => a < b),
    lessThanOrEqual: decimals((a, b) => a <= b),
    greaterThan: decimals((a, b) => a > b),
    greaterThanOrEqual: decimals((a, b) => a >= b),

    ip: { arity: 1, call: ([text]) => parseIp(string(text!)) },
    isIpv4: ofIp((ip) => ip.version === 4),
    isIpv6: ofIp((ip) => ip.version === 6),
    isLoopback: ofIp((ip) => (ip.version === 4 ? within(ip, LOOPBACK_4) : within(ip, LOOPBACK_6))),
    isMulticast: ofIp((ip) => (ip.version === 4 ? within(ip, MULTICAST_4) : within(ip, MULTICAST_6))),
    isInRange: { arity: 2, call: ([ip, range]) => within(address(ip!), address(range!)) },

    datetime: { arity: 1, call: ([text]) => parseDatetime(string(text!)) },
    offset: { arity: 2, call: ([at, by]) => new Datetime(addLong(datetime(at!).ms, duration(by!).ms)) },
    durationSince: {
      arity: 2,
      call: ([at, since]) => new Duration(subtractLong(datetime(at!).ms, datetime(since!).ms)),
    },
    toDate: {
      arity: 1,
      call: ([at]) => new Datetime(subtractLong(datetime(at!).ms, sinceMidnight(datetime(at!).ms))),
    },
    toTime: { arity: 1, call: ([at]) => new Duration(sinceMidnight(datetime(at!).ms)) },

    duration: { arity: 1, call: ([text]) => parseDuration(string(text!)) },
    toMilliseconds: inUnits(1),
    toSeconds: inUnits(1000),
    toMinutes: inUnits(60_000),
    toHours: inUnits(3_600_000),
    toDays: inUnits(DAY_MS),
  }),
);

const LOOPBACK_4 = parseIp('127.0.0.0/8');
const LOOPBACK_6 = parseIp('::1/128');
const MULTICAST_4 = parseIp('224.0.0.0/4');
const MULTICAST_6 = parseIp('ff00::/8');

function decimals(compare: (a: Long, b: Long) => boolean): Extension {
  return { arity: 2, call: ([a, b]) => compare(decimal(a!).units, decimal(b!).units) };
}

function ofIp(test: (ip: IpAddress) => boolean): Extension {
  return { arity: 1, call: ([ip]) => test(address(ip!)) };
}

function inUnits(unit: number): Extension {
  return { arity: 1, call: ([length]) => divideLong(duration(length!).ms, unit) };
}

/** Whether every address of `range` lies in `outer`; ranges of two versions never do. */
function within(range: IpAddress, outer: IpAddress): boolean {
  if (range.version !== outer.version || range.prefix < outer.prefix) return false;
  const shift = BigInt((outer.version === 4 ? 32 : 128) - outer.prefix);
  return range.bits >> shift === outer.bits >> shift;
}

function parseDecimal(text: string): Decimal {
  const match = /^(-?)(\d+)\.(\d{1,4})$/.exec(text);
  if (match === null) throw new EvaluationError(`\`${text}\` is not a decimal of one to four fractional digits`);
  const units = BigInt(match[2]! + match[3]!.padEnd(4, '0'));
  return new Decimal(toLong(match[1] === '-' ? -units : units));
}

const DATETIME = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{3}))?(?:Z|([+-])(\d{2})(\d{2})))?$/;

function parseDatetime(text: string): Datetime {
  const match = DATETIME.exec(text);
  if (match === null) throw new EvaluationError(`\`${text}\` is not a datetime`);
  const [year, month, day, hour, minute, second, ms] = match.slice(1, 8).map((part) => Number(part ?? 0));
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day!);
  const exists = date.getUTCMonth() === month! - 1 && date.getUTCDate() === day!;
  if (!exists || hour! > 23 || minute! > 59 || second! > 59 || offsetHours > 23 || offsetMinutes > 59) {
    throw new EvaluationError(`\`${text}\` is not a datetime that exists`);
  }
  date.setUTCHours(hour!, minute!, second!, ms!);
  const offset = (offsetHours * 60 + offsetMinutes) * 60_000;
  return new Datetime(date.getTime() - (match[8] === '-' ? -offset : offset));
}

const DURATION = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const DURATION_UNITS = [86_400_000n, 3_600_000n, 60_000n, 1000n, 1n];

function parseDuration(text: string): Duration {
  const match = DURATION.exec(text);
  if (match === null || !/\d/.test(text)) throw new EvaluationError(`\`${text}\` is not a duration`);
  const parts = match.slice(2).map((part, place) => {
    const length = BigInt(part ?? 0) * DURATION_UNITS[place]!;
    return match[1] === '-' ? -length : length;
  });
  return new Duration(toLong(parts.reduce((sum, part) => BigInt(toLong(sum + BigInt(toLong(part)))), 0n)));
}

/** Milliseconds from the last midnight (UTC), also before the epoch. */
function sinceMidnight(ms: Long): number {
  if (typeof ms === 'bigint') return Number(((ms % BigInt(DAY_MS)) + BigInt(DAY_MS)) % BigInt(DAY_MS));
  return (((ms % DAY_MS) + DAY_MS) % DAY_MS) + 0;
}

function string(value: Value): string {
  if (typeof value === 'string') return value;
  throw new EvaluationError(`a string is needed, not ${typeName(value)}`);
}
function decimal(value: Value): Decimal {
  if (value instanceof Decimal) return value;
  throw new EvaluationError(`a decimal is needed, not ${typeName(value)}`);
}
function address(value: Value): IpAddress {
  if (value instanceof IpAddress) return value;
  throw new EvaluationError(`an IP address is needed, not ${typeName(value)}`);
}
function datetime(value: Value): Datetime {
  if (value instanceof Datetime) return value;
  throw new EvaluationError(`a datetime is needed, not ${typeName(value)}`);
}
function duration(value: Value): Duration {
  if (value instanceof Duration) return value;
  throw new EvaluationError(`a duration is needed, not ${typeName(value)}`);
}
