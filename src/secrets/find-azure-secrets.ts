import type { FoundSecret } from './found.ts';
import { isPlaceholder } from './placeholder.ts';
import { looksDrawn } from './randomness.ts';

/** Client secrets of Entra ID: three characters, a digit, `Q~`, and 31 to 34 more. What marks them is in the middle. */
const SECRET = /(?<![\w~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![\w~-])/y;

export function* findAzureSecrets(text: string): Generator<FoundSecret> {
  for (let at = text.indexOf('Q~'); at !== -1; at = text.indexOf('Q~', at + 2)) {
    SECRET.lastIndex = at - 4;
    const found = at >= 4 ? SECRET.exec(text) : null;
    if (found === null) continue;
    const [secret] = found;
    if (looksDrawn(secret) && !isPlaceholder(secret))
      yield { start: at - 4, end: at - 4 + secret.length, rule: 'azure-client-secret', certainty: 'certain' };
  }
}
