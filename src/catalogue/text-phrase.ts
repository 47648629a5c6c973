import { PREPOSITIONS } from './nouns.ts';
import type { Phrase } from './name-phrase.ts';
import { senseOf, type Sense } from './verbs.ts';
import { joinPhrases } from './words.ts';

/** Of a description no more than this is read; what comes later explains, and does not say what the operation does. */
const MAX_TEXT = 4_000;
const MAX_SENTENCES = 40;
/** How many sentences may pass before the one with the verb. */
const MAX_LEAD = 6;

/** How descriptions begin before they come to what the operation does; taken off again and again. */
const LEAD_INS: readonly RegExp[] = [
  /^(?:purpose|usage|note|notes|summary|description|deprecated|beta|alpha|preview|experimental|internal|warning|important|guardrails|side[ -]effects?)\b[\s:.,-]*/,
  /^\([^)]*\)\s*/,
  /^\[[^\]]*\]\s*/,
  /^\d+\s*[.)]\s*/,
  /^(?:this|the|an?)\s+(?:[\w-]+\s+){0,3}?(?:tool|operation|endpoint|method|api|function|call|command|request|action|route|mutation|query|service|handler|resource)\s+(?:(?:that|which|to)\s+)?(?=\w)/,
  /^this\s+(?=(?:also|will|then|\w+s)\s)/,
  /^(?:use|call|invoke)\s+(?:this|it)(?:\s+(?:tool|operation|endpoint|method|api|function|call|command))?\s+(?:to|for)\s+/,
  /^(?:is|are|can be|may be|should be|will be)?\s*(?:used|intended|meant|designed|responsible)\s+(?:to|for)\s+/,
  /^(?:allows?|enables?|lets?|permits?|helps?|helping)\s+(?:(?:you|users?|(?:an?|the)\s+\w+|apps?|callers?|clients?|admins?|administrators?|agents?|us)\s+)?to\s+/,
  /^(?:helps?|lets?)\s+(?:you\s+|users?\s+)?/,
  /^(?:will|can|may|also|then|just|simply|automatically|asynchronously|synchronously|immediately|manually|permanently|safely|quickly|programmatically|optionally|recursively|bulk|batch|first|tool to|api to|endpoint to|method to|function to|command to|attempts? to|tries to|try to|a way to|way to|to|it)\s+/,
];

/** What follows a verb and not a noun. */
const DETERMINERS = new Set(
  `a an the it them its their this these those any all each every one some your our his her my another new existing multiple
  many several specific specified given current information details up more`.split(/\s+/),
);

/** What a summary or description says that the operation does, and what a later sentence adds: `This tool also deletes …`. */
export function phraseOfText(text: string): Phrase {
  const sentences = sentencesOf(text);
  for (const [at, sentence] of sentences.slice(0, MAX_LEAD).entries()) {
    const { verbs, object } = phraseOfSentence(withoutLeadIn(sentence));
    if (verbs.length > 0) return { verbs: [...verbs, ...sentences.slice(at + 1).flatMap(addedBy)], object };
  }
  return { verbs: [], object: [] };
}

/** What a description adds to what a summary has said. */
export function addedByText(text: string): Sense[] {
  return sentencesOf(text).flatMap(addedBy);
}

/** A further statement about the operation itself; advice on when to use it says nothing of what it does. */
function addedBy(sentence: string): Sense[] {
  if (NEGATED.test(sentence)) return [];
  const { verbs } = phraseOfSentence(withoutLeadIn(sentence));
  const [head] = verbs;
  // `Deletes the file afterwards.` is about the operation, `Delete the file first` is advice.
  const isStatement = ABOUT_IT.test(sentence) || head?.inflection === 'third';
  return isStatement ? verbs.filter(({ lemma, clear, effect }) => clear && effect !== 'read' && !LIGHT.has(lemma)) : [];
}

const ABOUT_IT =
  /^(?:this (?:tool|operation|endpoint|method|call|function|action|command|also|will|\w+s)|it|also|additionally|then|side[ -]effects?)\s/;

/** Verbs that say nothing by themselves: what is performed does. */
export const LIGHT: ReadonlySet<string> = new Set('perform run execute do make conduct'.split(' '));

const NEGATED = /^\S+(?:\s\S+){0,3}?\s(?:not|never|cannot|can't|doesn't|won't|no longer)\b/;

function sentencesOf(text: string): string[] {
  return text
    .slice(0, MAX_TEXT)
    .replace(/<[^>]{0,200}>/g, ' ')
    .replace(/[`*_"“”#]+/g, ' ')
    .toLowerCase()
    .split(/(?<!\b(?:e\.g|i\.e|vs|etc))[.!?](?:\s|$)|[\n\r]+|[:;|]\s|\s[-–—]\s/)
    .map((sentence) => sentence.replace(/^[^a-z0-9([]+/, '').trim())
    .filter((sentence) => sentence !== '')
    .slice(0, MAX_SENTENCES);
}

function withoutLeadIn(sentence: string): string {
  let rest = sentence;
  for (let before = ''; before !== rest;) {
    before = rest;
    for (const leadIn of LEAD_INS) rest = rest.replace(leadIn, '');
  }
  return rest;
}

/** `Lists or creates …`: its verbs, where it begins with one. */
function phraseOfSentence(sentence: string): Phrase {
  const words = joinPhrases(sentence.split(/([,/&])|[^a-z0-9'-]+/).filter((word) => word !== undefined && word !== ''));
  // `starts returning …` returns.
  if (/^(?:start|begin)s?$/.test(words[0] ?? '') && senseOf(words[1] ?? '')?.inflection === 'gerund') words.shift();
  const head = words.length === 0 || REDIRECTS.test(sentence) ? undefined : verbAt(words, 0);
  if (head === undefined || isNominal(words, head)) return { verbs: [], object: [] };
  const verbs = [head];
  let end = 0;
  for (let at = 1; at < words.length; at++) {
    const also = verbAt(words, at);
    if (also === undefined || (also.inflection !== head.inflection && also.inflection !== 'gerund')) continue;
    const before = words[at - 1]!;
    const beside = at === end + 2 && CONJUNCTIONS.has(before);
    // `returns the key and deletes it`: later on only what is sure to be a verb.
    const later =
      ['and', 'then', '&', 'or'].includes(before) && (also.clear || isVerbal(words, at)) && isVerbal(words, at);
    const bent =
      also.inflection === 'gerund' &&
      senseOf(words[at]!)?.clear === true &&
      ['by', 'after', 'and', 'while', 'then'].includes(before);
    if (also.inflection === 'gerund' && head.inflection !== 'gerund' ? !bent : !beside && !later) continue;
    verbs.push(also);
    if (beside) end = at;
  }
  return { verbs, object: words.slice(end + 1).filter((word) => !CONJUNCTIONS.has(word)) };
}

/** Says what to use instead. */
const REDIRECTS = /^(?:please )?use .{0,60}\binstead\b/;

const CONJUNCTIONS = new Set([',', '/', '&', 'and', 'or', 'then']);

/** A verb with an article or the like behind it is one, however often its word is a noun. */
function verbAt(words: readonly string[], at: number): Sense | undefined {
  const word = words[at]!;
  const sense = senseOf(word);
  if (sense === undefined) {
    // `Frobnicates the widget`: a verb that nobody here knows may do anything.
    const isUnknown = at === 0 && ARTICLES.has(words[1] ?? '') && !NO_VERBS.has(word);
    return isUnknown ? { lemma: word, effect: 'write', clear: false, inflection: 'base' } : undefined;
  }
  // `verify that …`, `check whether …`: asks, whatever else the verb may do to a thing.
  if (['that', 'whether', 'if'].includes(words[at + 1] ?? '')) return { ...sense, effect: 'read', clear: false };
  return { ...sense, clear: sense.clear || (sense.effect !== 'read' && isVerbal(words, at)) };
}

const ARTICLES = new Set('a an the your its their it them'.split(' '));
/** What may stand before an article without being a verb. */
const NO_VERBS = new Set(
  `a an the of for from in on at to by with as if when where while once after before since until unless because is are was were
  be and or but not only all both either like unlike via per into about within without under over between that this these those which
  here there note e g i can will may must should`.split(/\s+/),
);

function isVerbal(words: readonly string[], at: number): boolean {
  return DETERMINERS.has(words[at + 1] ?? '');
}

const NEVER_NOUNS = new Set('ask wait listen apply enter'.split(' '));

/** `releases for a repository`, `access logs of …`: a noun that could have been a verb. */
function isNominal(words: readonly string[], head: Sense): boolean {
  const next = words[1] ?? '';
  if (head.inflection === 'noun') return next !== 'of';
  if (head.inflection === 'gerund' && words.length < 3) return true;
  // `asks for an approval` is said of nothing but what it does.
  if (NEVER_NOUNS.has(head.lemma)) return false;
  return !head.clear && head.inflection === 'third' && (next === '' || PREPOSITIONS.has(next) || next === 'of');
}
