import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import { CedarSet, Datetime, Decimal, Duration, EntityUid, IpAddress, type CedarRecord, type Value } from './value.ts';

/**
 * The value in Cedar's JSON form, for another engine. An integer beyond 2^53 and a string with a lone surrogate have none
 * that survives `cedar-wasm`.
 *
 * @throws TypeError for such a value.
 */
export function valueToJson(value: Value): CedarValueJson {
  if (typeof value === 'bigint') throw new TypeError('an integer beyond 2^53 cannot be handed to `cedar-wasm`');
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new TypeError('a string that is not well-formed Unicode cannot be handed to `cedar-wasm`');
  }
  if (typeof value !== 'object') return value;
  if (value instanceof EntityUid) return { __entity: { type: value.type, id: value.id } };
  if (value instanceof CedarSet) return value.items.map(valueToJson);
  if (value instanceof Decimal) return extension('decimal', decimalText(BigInt(value.units)));
  if (value instanceof Duration) return extension('duration', `${value.ms}ms`);
  if (value instanceof Datetime) {
    const since = extension('duration', `${value.ms}ms`);
    return { __extn: { fn: 'offset', args: [extension('datetime', '1970-01-01'), since] } };
  }
  if (value instanceof IpAddress) return extension('ip', ipText(value));
  return recordToJson(value);
}

export function recordToJson(record: CedarRecord): Record<string, CedarValueJson> {
  return Object.fromEntries(record.names().map((name) => [name, valueToJson(record.get(name)!)]));
}

function extension(fn: string, arg: string): CedarValueJson {
  return { __extn: { fn, arg } };
}

function decimalText(units: bigint): string {
  const digits = String(units < 0n ? -units : units).padStart(5, '0');
  return `${units < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

function ipText({ version, bits, prefix }: IpAddress): string {
  const [width, size, radix, separator] = version === 4 ? ([32, 8, 10, '.'] as const) : ([128, 16, 16, ':'] as const);
  const groups = Array.from({ length: width / size }, (_none, place) =>
    ((bits >> BigInt(width - size * (place + 1))) & ((1n << BigInt(size)) - 1n)).toString(radix),
  );
  return `${groups.join(separator)}/${prefix}`;
}
