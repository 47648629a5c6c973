import { readClaim } from './claim.ts';
import { parseSpiffeId, parseWorkloadId, type ParsedSpiffeId } from './spiffe-id.ts';

/** One path segment: itself, the text of a claim, or (`many`) the segments of a claim that has `/` in it. */
type Segment = { literal: string } | { claim: string; many: boolean };

/** How claims become a SPIFFE ID: `spiffe://ci.example/github/{repository/}`. */
export type SpiffeTemplate = { trustDomain: string; segments: readonly Segment[] };

const START = /^spiffe:\/\/([^/{}]+)\//;
const SEGMENT = /^(?:\{([^{}]+)\}|([^/{}]+))(?:\/|$)/;

/**
 * The parts of a template, or why the text is none. A placeholder is a whole segment and at most one has several
 * (`{claim/}`), so that different claims never give the same id.
 */
export function parseSpiffeTemplate(text: string): SpiffeTemplate | { problem: string } {
  const trustDomain = START.exec(text)?.[1];
  if (trustDomain === undefined) return { problem: 'expected `spiffe://`, a literal trust domain, and a path' };
  const segments: Segment[] = [];
  let rest = text.slice(`spiffe://${trustDomain}/`.length);
  while (rest !== '') {
    const [whole, claim, literal] = SEGMENT.exec(rest) ?? [];
    if (whole === undefined) return { problem: 'a placeholder is a whole path segment: `/{claim}/`' };
    rest = rest.slice(whole.length);
    if (rest === '' && whole.endsWith('/')) return { problem: 'ends with a slash' };
    if (literal !== undefined) segments.push({ literal });
    else segments.push({ claim: claim!.replace(/\/$/, ''), many: claim!.endsWith('/') });
  }
  if (segments.filter((segment) => 'many' in segment && segment.many).length > 1) {
    return { problem: 'has several `{claim/}`: where one ends and the next starts would be open' };
  }
  const sample = segments.map((segment) => ('literal' in segment ? segment.literal : 'x'));
  const parsed = parseSpiffeId(`spiffe://${trustDomain}/${sample.join('/')}`);
  return 'problem' in parsed ? parsed : { trustDomain, segments };
}

/** The claims that a template takes its values from. */
export function templateClaims(template: SpiffeTemplate): string[] {
  return template.segments.flatMap((segment) => ('claim' in segment ? [segment.claim] : []));
}

/** The SPIFFE ID of verified claims, or why there is none. Nothing is escaped or mended: an odd value is refused. */
export function fillSpiffeTemplate(template: SpiffeTemplate, claims: object): ParsedSpiffeId | { problem: string } {
  const filled: string[] = [];
  for (const segment of template.segments) {
    if ('literal' in segment) {
      filled.push(segment.literal);
      continue;
    }
    const value = readClaim(claims, segment.claim);
    if (typeof value !== 'string') return { problem: `lacks the text of \`${segment.claim}\`` };
    if (value.includes('/') && !segment.many) return { problem: `has a slash in \`${segment.claim}\`` };
    filled.push(value);
  }
  return parseWorkloadId(`spiffe://${template.trustDomain}/${filled.join('/')}`);
}

/** Whether two templates might give one id. Says yes when in doubt. */
export function templatesMayMeet(a: SpiffeTemplate, b: SpiffeTemplate): boolean {
  if (a.trustDomain !== b.trustDomain) return false;
  const length = Math.min(a.segments.length, b.segments.length);
  for (let place = 0; place < length; place++) {
    const [one, other] = [a.segments[place]!, b.segments[place]!];
    if (('many' in one && one.many) || ('many' in other && other.many)) return true;
    if ('literal' in one && 'literal' in other && one.literal !== other.literal) return false;
  }
  return a.segments.length === b.segments.length;
}
