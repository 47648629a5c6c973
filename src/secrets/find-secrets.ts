import { findJwts } from './find-jwts.ts';
import { findManifestSecrets } from './find-manifest-secrets.ts';
import { findMarked } from './find-marked.ts';
import { findNamed } from './find-named.ts';
import { findCurlPasswords, findUrlPasswords } from './find-passwords.ts';
import { findPrefixed } from './find-prefixed.ts';
import { findPrivateJwks } from './find-private-jwks.ts';
import { findPrivateKeys } from './find-private-keys.ts';
import { findTold } from './find-told.ts';
import { findTokens } from './find-tokens.ts';
import type { FoundSecret } from './found.ts';

export type { Certainty, FoundSecret } from './found.ts';

/** Each finder reads the text once from left to right and never goes back further than a constant. */
const FINDERS: readonly ((text: string) => Iterable<FoundSecret>)[] = [
  findPrivateKeys, //   PEM and OpenPGP armour
  findPrivateJwks, //   JWK
  findJwts, //          JWS, JWE
  findTokens, //        what an issuer's prefix gives away
  findPrefixed, //      a prefix of words before what was drawn at random
  findMarked, //        a mark in the middle
  findUrlPasswords, //  scheme://user:password@host
  findCurlPasswords, // curl -u user:password
  findManifestSecrets, // kind: Secret
  findNamed, //         name = value, where the name says so
  findTold, //          commands, files of passwords, lines of a build
];

const RANK = { certain: 2, likely: 1, possible: 0 };

/**
 * The secrets in a text, in order, none overlapping another. Pure, and linear in the length of the text whatever is in it:
 * no pattern here goes back, and no place is read more often than a constant says.
 */
export function findSecrets(text: string): FoundSecret[] {
  const all: FoundSecret[] = [];
  for (const find of FINDERS) for (const found of find(text)) all.push(found);
  all.sort((one, other) => one.start - other.start || other.end - one.end);
  const kept: FoundSecret[] = [];
  for (const found of all) {
    const last = kept.at(-1);
    if (last === undefined || found.start >= last.end) kept.push({ ...found });
    else {
      // One secret, found twice: all of it, under the name of the surer finding.
      last.end = Math.max(last.end, found.end);
      if (RANK[found.certainty] > RANK[last.certainty]) {
        last.rule = found.rule;
        last.certainty = found.certainty;
      }
    }
  }
  return kept;
}
