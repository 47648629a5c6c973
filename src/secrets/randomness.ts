/** How many characters are looked at: what is random shows it early, and no text makes us read it again and again. */
const LOOKED_AT = 256;

/** Shannon's entropy of the characters of a text, in bits a character; of its first 256 characters. */
export function entropyOf(text: string): number {
  const length = Math.min(text.length, LOOKED_AT);
  const counts = new Uint16Array(128);
  let entropy = 0;
  for (let at = 0; at < length; at++) counts[text.charCodeAt(at) & 127]!++;
  for (const count of counts) if (count > 0) entropy -= (count / length) * Math.log2(count / length);
  return entropy;
}

/** What a text is made of, counted over its first 256 characters. */
export type Makeup = {
  length: number;
  digits: number;
  lower: number;
  upper: number;
  others: number;
  /** Changes between digits, lower-case and upper-case letters; a capital before small letters counts for none. */
  changes: number;
  /** Characters that go on a run of equal ones, or of ones that count up or down. */
  regular: number;
  /** The longest run of consonants: words hardly have six, letters drawn at random soon do. */
  consonants: number;
};

const DIGIT = 1;
const LOWER = 2;
const UPPER = 3;

function kindOf(code: number): number {
  if (code >= 48 && code <= 57) return DIGIT;
  if (code >= 97 && code <= 122) return LOWER;
  if (code >= 65 && code <= 90) return UPPER;
  return 0;
}

export function makeupOf(text: string): Makeup {
  const length = Math.min(text.length, LOOKED_AT);
  const counts = [0, 0, 0, 0];
  let changes = 0;
  let regular = 0;
  let [consonants, most] = [0, 0];
  let [kind, code, step, stepped] = [0, 0, 0, 0];
  for (let at = 0; at < length; at++) {
    const nextCode = text.charCodeAt(at);
    const next = kindOf(nextCode);
    counts[next]!++;
    if (kind !== 0 && next !== 0 && kind !== next && !(kind === UPPER && next === LOWER)) changes++;
    consonants = next >= LOWER && !isVowel(nextCode) ? consonants + 1 : 0;
    most = Math.max(most, consonants);
    const nextStep = nextCode - code;
    stepped = nextStep === step && Math.abs(step) <= 1 ? stepped + 1 : 0;
    // Three in a row happen by chance; from the fourth on they count, and then all of them do.
    if (stepped >= 2) regular += stepped === 2 ? 4 : 1;
    [kind, code, step] = [next, nextCode, nextStep];
  }
  const [others, digits, lower, upper] = counts as [number, number, number, number];
  return { length, digits, lower, upper, others, changes, regular, consonants: most };
}

function isVowel(code: number): boolean {
  return 'aeiouyAEIOUY'.includes(String.fromCharCode(code));
}

/**
 * Whether a text could have been drawn at random: near the entropy of an alphabet, and neither counted up nor repeated.
 * Words pass; see `looksWorded`.
 */
export function looksDrawn(text: string, made: Makeup = makeupOf(text)): boolean {
  if (made.regular * 3 > made.length) return false;
  // Parts of a token may have alphabets of their own, so the smallest counts; of a short text, its length bounds it.
  const alphabet = made.lower + made.upper === 0 ? 10 : 16;
  return entropyOf(text) >= Math.log2(Math.min(made.length, alphabet)) * 0.72;
}

/** Whether a text reads like words, numbers and separators rather than like characters drawn at random. */
export function looksWorded(made: Makeup): boolean {
  if (made.consonants >= 6) return false;
  const letters = made.lower + made.upper;
  if (made.digits === 0) return made.changes * 5 < letters;
  return made.changes * 7 < letters + made.digits && letters >= made.digits;
}
