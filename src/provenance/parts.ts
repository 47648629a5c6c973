import { isCommon } from './common.ts';
import { decodedTexts } from './decode.ts';
import { suspectForm } from './forms.ts';
import { eachMatch } from './matches.ts';

/** So many parts of one text are looked at; a longer text is sampled evenly, but for what looks like a value. */
const MAX_WINDOWS = 200;
const MAX_VALUES = 200;
/** Words that stand together: fewer would be met by chance. */
const WINDOW = 4;
const MIN_WINDOW_LENGTH = 14;

/** Addresses, numbers, identifiers, names of files: what stands in a text and could be a value by itself. */
const VALUE = /[\p{L}\p{N}\p{M}\p{Cf}_]+(?:[-.@:/+%&#=~][\p{L}\p{N}\p{M}\p{Cf}_]+)*/gu;
const STEP = /[^\p{L}\p{N}\p{M}\p{Cf}_.-]+/u;
const LETTERS = /^\p{L}*$/u;

export type Parts = {
  /** Each of them could have been put in: one from an untrusted text makes the whole untrusted. */
  values: string[];
  /** A few words that follow each other, as they are and as they stand in untrusted texts. */
  windows: { text: string; form: string }[];
  /** Values that may be parts of one, without a border: halves of a long identifier. */
  fragments: string[];
  /** Whether there were more than are given. */
  more: boolean;
};

/** What a text is made of, as far as it can tell where it comes from. Short and common words do not. */
export function partsOf(text: string): Parts {
  const values = new Set<string>();
  const fragments = new Set<string>();
  eachMatch(VALUE, text, ([run]) => {
    if (isTelling(run)) values.add(run);
    if (values.size > MAX_VALUES) return false;
    if (run.length > 2 && !LETTERS.test(run)) for (const step of run.split(STEP)) if (isTelling(step)) values.add(step);
    if (/\d/.test(run) && run.length >= 16) for (const half of halves(run)) fragments.add(half);
    return true;
  });
  values.delete(text);
  return {
    values: [...values].slice(0, MAX_VALUES),
    windows: windowsOf(text),
    fragments: [...fragments].slice(0, MAX_VALUES),
    more: values.size > MAX_VALUES,
  };
}

/** Whether a word would not be met by chance: it has digits, or is put together of several, or is long. */
function isTelling(word: string): boolean {
  if (/\p{N}/u.test(word)) return word.length >= 3;
  if (!LETTERS.test(word)) return word.length >= 6;
  return word.length >= 12;
}

function halves(word: string): string[] {
  const middle = word.length >>> 1;
  return [word.slice(0, middle), word.slice(middle)];
}

function windowsOf(text: string): { text: string; form: string }[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length <= 1) return [];
  const size = Math.min(WINDOW, words.length);
  const count = words.length - size + 1;
  // Of a run of five words, one window is met for sure.
  const step = count > 4 ? Math.max(2, count / MAX_WINDOWS) : 1;
  const windows: { text: string; form: string }[] = [];
  const forms: string[] = [];
  // A form does not reach over white space: that of words together is theirs, one by one.
  const formOf = (place: number) => (forms[place] ??= suspectForm(words[place]!));
  for (let at = 0; at < count; at += step) {
    const first = Math.floor(at);
    const window = words.slice(first, first + size);
    const form = window.map((_word, place) => formOf(first + place)).filter((each) => each !== '');
    const whole = window.join(' ');
    const telling = form.filter((each) => !isCommon(each));
    if (telling.length >= 2 && whole.length >= MIN_WINDOW_LENGTH) windows.push({ text: whole, form: form.join(' ') });
  }
  return windows;
}

/** What a text says in code: base64 or hexadecimal, once more within it, as a whole or in parts. */
export function decodedParts(text: string): string[] {
  const once = decodedTexts(text);
  return [...once, ...once.flatMap(decodedTexts)].slice(0, MAX_VALUES);
}
