import type { FoundSecret } from './found.ts';
import { isPlaceholder } from './placeholder.ts';
import { looksDrawn } from './randomness.ts';

/** A format that is known by what stands in its middle, or at its end. `before`: characters of the secret in front of that. */
type Marked = { rule: string; mark: string; before: number; pattern: RegExp };

const FORMATS: readonly Marked[] = [
  // Client secrets of Entra ID: three characters, a digit, `Q~`, and 31 to 34 more.
  {
    rule: 'azure-client-secret',
    mark: 'Q~',
    before: 4,
    pattern: /(?<![\w~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![\w~-])/y,
  },
  { rule: 'mailchimp-key', mark: '-us', before: 32, pattern: /(?<![\w-])[0-9a-f]{32}-us\d{1,2}(?![\w-])/y },
  {
    rule: 'maxmind-license-key',
    mark: '_mmk',
    before: 36,
    pattern: /(?<![\w-])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![\w-])/y,
  },
];

/** A bot of Telegram: its number, and 35 characters that begin with two capital As. Numbers differ in length. */
const TELEGRAM = /(?<![\w:-])\d{8,10}:AA[A-Za-z0-9_-]{33}(?![\w-])/y;

export function* findMarked(text: string): Generator<FoundSecret> {
  for (const { rule, mark, before, pattern } of FORMATS) {
    for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + mark.length)) {
      if (at >= before) yield* foundAt(text, at - before, pattern, rule);
    }
  }
  for (let at = text.indexOf(':AA'); at !== -1; at = text.indexOf(':AA', at + 3)) {
    for (const digits of [8, 9, 10])
      if (at >= digits) yield* foundAt(text, at - digits, TELEGRAM, 'telegram-bot-token');
  }
}

function* foundAt(text: string, start: number, pattern: RegExp, rule: string): Generator<FoundSecret> {
  pattern.lastIndex = start;
  const secret = pattern.exec(text)?.[0];
  if (secret !== undefined && looksDrawn(secret) && !isPlaceholder(secret)) {
    yield { start, end: start + secret.length, rule, certainty: 'certain' };
  }
}
