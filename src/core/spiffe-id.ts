/**
 * A SPIFFE ID (SPIFFE-ID specification, sections 2 and 2.3): `spiffe://` trust domain, then path segments.
 * The brand keeps an unchecked string from being used as an identity.
 */
export type SpiffeId = string & { readonly __brand: 'SpiffeId' };

export type ParsedSpiffeId = { id: SpiffeId; trustDomain: string; path: string };

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const SEGMENT = /^[a-zA-Z0-9._-]+$/;
const MAX_BYTES = 2048;

/** The parts of a valid SPIFFE ID, or why the text is none. */
export function parseSpiffeId(text: string): ParsedSpiffeId | { problem: string } {
  if (text.length > MAX_BYTES) return { problem: `is longer than ${MAX_BYTES} bytes` };
  if (!text.startsWith('spiffe://')) return { problem: 'does not start with `spiffe://`' };
  const rest = text.slice('spiffe://'.length);
  const slash = rest.indexOf('/');
  const trustDomain = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 ? '' : rest.slice(slash);
  if (!TRUST_DOMAIN.test(trustDomain)) {
    return { problem: 'has a trust domain that is not 1 to 255 characters of `a-z 0-9 . - _`' };
  }
  for (const segment of path === '' ? [] : path.slice(1).split('/')) {
    if (segment === '') return { problem: 'has an empty path segment or a trailing slash' };
    if (segment === '.' || segment === '..') return { problem: 'has a `.` or `..` path segment' };
    if (!SEGMENT.test(segment)) return { problem: 'has a path character other than `a-z A-Z 0-9 . - _`' };
  }
  return { id: text as SpiffeId, trustDomain, path };
}

/** The SPIFFE ID of a workload: as `parseSpiffeId`, and with a path, since a bare trust domain names no workload. */
export function parseWorkloadId(text: string): ParsedSpiffeId | { problem: string } {
  const parsed = parseSpiffeId(text);
  if ('problem' in parsed) return parsed;
  if (parsed.path === '') return { problem: 'names a trust domain, not a workload: add a path' };
  return parsed;
}
