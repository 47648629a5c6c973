/** Shorter values are too likely to occur by chance to be looked for outside of the answer that brought them. */
export const MIN_LOOKED_FOR = 8;

/**
 * A secret as it may stand in a text: as it is, inside a JSON text and one within another, and in a URL. The longest first, so that
 * none is found within another.
 */
export function formsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(inJson).slice(1, -1);
  const forms = [secret, inJson, twice, inUrl(secret), secret.isWellFormed() ? encodeURI(secret) : secret];
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

function inUrl(secret: string): string {
  return secret.isWellFormed() ? encodeURIComponent(secret) : secret;
}

/** What is looked for, and what stands in its place. */
export type Masked = { forms: readonly string[]; by: string };

/** INVARIANT 7: the text with each secret replaced, wherever it stands. */
export function mask(text: string, secrets: Iterable<Masked>): string {
  let kept = text;
  for (const { forms, by } of secrets) {
    for (const form of forms) if (kept.includes(form)) kept = kept.replaceAll(form, by);
  }
  return kept;
}
