import { EvaluationError, IpAddress } from './value.ts';

/**
 * `192.0.2.1`, `2001:db8::1`, or a range such as `192.0.2.0/24`. Neither leading zeros nor IPv4 inside IPv6 are taken,
 * as Cedar takes none.
 *
 * @throws EvaluationError for any other text.
 */
export function parseIp(text: string): IpAddress {
  const [address = '', prefixText, ...more] = text.split('/');
  const version = address.includes(':') ? 6 : 4;
  const bits = version === 4 ? parseIpv4(address) : parseIpv6(address);
  const width = version === 4 ? 32 : 128;
  const prefix = prefixText === undefined ? width : parsePrefix(prefixText);
  if (bits === null || prefix === null || prefix > width || more.length > 0) {
    throw new EvaluationError(`\`${text}\` is neither an IP address nor a range`);
  }
  return new IpAddress(version, bits, prefix);
}

function parsePrefix(text: string): number | null {
  return /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : null;
}

function parseIpv4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** RFC 4291 §2.2, forms 1 and 2. */
function parseIpv6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...head, ...tail];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  const missing = 8 - groups.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const all = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
