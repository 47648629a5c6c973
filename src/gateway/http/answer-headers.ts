import type { ApiTarget } from './api-target.ts';

/**
 * Headers of an answer that are the target's business with Remit (its sessions, challenges and connection), or would speak
 * for Remit's own origin to a browser. The body is framed anew.
 */
const KEPT_BACK: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'set-cookie',
  'set-cookie2',
  'www-authenticate',
  'authentication-info',
  'proxy-authenticate',
  'proxy-authentication-info',
  'dpop-nonce',
  'alt-svc',
  'alt-used',
  'strict-transport-security',
  'public-key-pins',
  'clear-site-data',
  'service-worker-allowed',
  'refresh',
  'nel',
  'report-to',
  'reporting-endpoints',
  'content-security-policy',
  'content-security-policy-report-only',
  'x-content-type-options',
]);
const CORS = /^access-control-/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Nothing of a target's answer runs in a browser as if it came from Remit. */
const OWN: readonly [string, string][] = [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "sandbox; default-src 'none'"],
];

/** The headers of an answer that go on to the agent, `Location` led back through Remit. */
export function answerHeaders(
  raw: readonly (readonly [string, string])[],
  at: { target: ApiTarget; publicUrl: string; url: string },
): [string, string][] {
  const kept: [string, string][] = [];
  let named: Set<string> | null = null;
  for (const [name, value] of raw) {
    if (name === 'connection') named = new Set([...(named ?? []), ...value.toLowerCase().split(/[\s,]+/)]);
  }
  for (const [name, value] of raw) {
    if (KEPT_BACK.has(name) || CORS.test(name) || named?.has(name) === true || !VALUE.test(value)) continue;
    if (name !== 'location' && name !== 'content-location') {
      kept.push([name, value]);
      continue;
    }
    const through = throughRemit(value, at);
    if (through !== null) kept.push([name, through]);
  }
  kept.push(...OWN);
  return kept;
}

/**
 * A reference of the target as one through Remit, where each use of it is decided. `null` for one that leads anywhere else:
 * to another host or port, out of the part of the target that Remit stands before, or with a user in it.
 */
export function throughRemit(
  reference: string,
  { target, publicUrl, url }: { target: ApiTarget; publicUrl: string; url: string },
): string | null {
  if (!URL.canParse(reference, url)) return null;
  const { origin, pathname, search, username, password } = new URL(reference, url);
  const { basePath } = target;
  const below = pathname === basePath || pathname.startsWith(`${basePath}/`);
  if (origin !== target.origin || username !== '' || password !== '' || !below) return null;
  return `${publicUrl}/http/${target.name}${pathname.slice(basePath.length)}${search}`;
}
