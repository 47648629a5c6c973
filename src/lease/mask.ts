import { mapBase64, needlesOf, type Needles } from './base64-text.ts';

/** Shorter values are too likely to occur by chance to be looked for outside of the answer that brought them. */
export const MIN_LOOKED_FOR = 8;

/** What is looked for, and what stands in its place. */
export type Masked = { forms: readonly string[]; needles: Needles; bytes: string; by: string };

/**
 * A secret as it may stand in a text: as it is, inside a JSON text and one within another, in a URL, and in Base64 of whatever
 * holds it, which is how it is sent in Basic credentials.
 */
export function masked(secret: string, by: string): Masked {
  const bytes = Buffer.from(secret, 'utf8').toString('latin1');
  // Of a short one so few characters are the same in each place that they would be found by chance.
  return { forms: formsOf(secret), needles: secret.length < MIN_LOOKED_FOR ? [] : needlesOf(secret), bytes, by };
}

/** The longest first, so that none is found within another. */
export function formsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(inJson).slice(1, -1);
  const forms = [secret, inJson, twice, inUrl(secret), secret.isWellFormed() ? encodeURI(secret) : secret];
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

function inUrl(secret: string): string {
  return secret.isWellFormed() ? encodeURIComponent(secret) : secret;
}

/** INVARIANT 7: the text with each secret replaced, wherever it stands. */
export function mask(text: string, secrets: Iterable<Masked>): string {
  let kept = text;
  for (const { forms, needles, bytes, by } of secrets) {
    for (const form of forms) if (kept.includes(form)) kept = kept.replaceAll(form, by);
    kept = mapBase64(kept, needles, (decoded) => decoded.replaceAll(bytes, by));
  }
  return kept;
}
