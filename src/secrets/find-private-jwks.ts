import type { FoundSecret } from './found.ts';

/** How far from `kty` the other members of a key may stand: those of an RSA key of 8,192 bits together. */
const WITHIN = 8_000;

/** `d` of a private key, `k` of a shared one (RFC 7518, sections 6.2.2, 6.3.2 and 6.4). */
const MEMBER = /"(?:d|k)"[ \t\r\n]{0,9}:[ \t\r\n]{0,9}"([A-Za-z0-9_-]{20,1400})"/g;

/** Private and shared keys in the form of RFC 7517. */
export function* findPrivateJwks(text: string): Generator<FoundSecret> {
  // Each key once, however many there are: what was looked through is not looked through again.
  let looked = 0;
  for (let at = text.indexOf('"kty"'); at !== -1; at = text.indexOf('"kty"', at + 5)) {
    const from = Math.max(looked, at - WITHIN);
    const until = Math.min(text.length, at + WITHIN);
    if (until <= from) continue;
    for (const found of text.slice(from, until).matchAll(MEMBER)) {
      const start = from + found.index + found[0].length - found[1]!.length - 1;
      yield { start, end: start + found[1]!.length, rule: 'private-jwk', certainty: 'certain' };
    }
    looked = until;
  }
}
