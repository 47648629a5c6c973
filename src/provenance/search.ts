import type { ArgumentOrigin, SourceNote } from '../core/action.ts';
import { ANYWHERE, AS_LINE, AS_TEXT, AS_VALUE, AS_WORDS, BESIDE_WORDS } from './borders.ts';
import { suspectForm, trustForm } from './forms.ts';
import type { Leaf } from './leaves.ts';
import { needlesOf, type Needle } from './needle.ts';
import { decodedParts, partsOf } from './parts.ts';
import type { Seen } from './provenance.ts';
import type { Budget, Match, TextIndex } from './text-index.ts';
import { Value } from './value.ts';

/** What is searched: everything that a task was given and has read. */
export type Searched = {
  /** By number, in the order in which they came. */
  sources: readonly Seen[];
  vouching: Readonly<Record<'prompt' | 'parameters' | 'resolved' | 'trusted', TextIndex>>;
  /** Whether somebody outside wrote the prompt: what others vouch for, too, counts as theirs. */
  promptLast: boolean;
  untrusted: TextIndex;
  /** Items of lists that hold what outsiders wrote, a line each. */
  listed: TextIndex;
  /** Words with a capital letter in the prompt, in lower case. */
  names: ReadonlySet<string>;
  /** By the value in the form of trusted texts, what a person has answered for it with. */
  answered: ReadonlyMap<string, string>;
  /** What the task has itself sent without it being trusted. */
  sent: TextIndex;
  /** Whether everything that was read is there. */
  complete: boolean;
  /** Whether anything was looked up because of what outsiders wrote. */
  steered: boolean;
};

export type Found = { origin: ArgumentOrigin; seen: Seen[]; because?: SourceNote };

const MIB = 2 ** 20;
const MAX_CODES = 2;
/** Characters of a list of values. */
const MAX_LIST = 4_000;

/** From the least trusted: what a text is made of counts as the worst of it. */
export const WORST_FIRST: readonly ArgumentOrigin[] = [
  'steered',
  'untrusted',
  'listed',
  'referred',
  'unseen',
  'trusted',
  'resolved',
  'parameters',
  'prompt',
];

export function worstOf(origins: readonly ArgumentOrigin[]): ArgumentOrigin | undefined {
  return WORST_FIRST.find((origin) => origins.includes(origin));
}

/** One search for all values of an action. Its budgets bound it, whatever the values and the texts are. */
export class Search {
  readonly #in: Searched;
  /** Bytes of text that may be gone through: beyond, nothing is vouched for, and everything is suspect. */
  readonly #trusting: Budget = { left: 2 * MIB };
  readonly #suspecting: Budget = { left: 2 * MIB };

  readonly #values = new Map<string, Value>();

  constructor(searched: Searched) {
    this.#in = searched;
  }

  leaf({ value, names }: Leaf, isTarget: boolean): Found {
    // Of two values, one cannot tell where it comes from.
    if (typeof value === 'boolean' || value === null) return { origin: 'unseen', seen: [] };
    const { answered: answers } = this.#in;
    const answered = answers.size === 0 ? undefined : answers.get(trustForm(String(value)));
    if (answered !== undefined) {
      return { origin: 'trusted', seen: [{ id: answered, origin: 'trusted' }], because: 'answered_for' };
    }
    const found = this.#text(this.#value(String(value)), isTarget);
    for (const name of names) {
      const named = this.#text(this.#value(name), isTarget);
      if (isTheirs(named.origin)) return named;
    }
    return found;
  }

  /** A value may have been split: what stands in an untrusted text together is untrusted in each of its pieces. */
  joinNeighbours(leaves: readonly Leaf[], found: Found[]): void {
    const pieces = leaves.map(({ value }) =>
      typeof value === 'string' || typeof value === 'number' ? this.#value(String(value)).joinable : '',
    );
    for (const places of neighbours(leaves.length)) {
      if (places.some((place) => pieces[place] === '')) continue;
      if (places.some((place) => isVouched(found[place]!))) continue;
      if (places.every((place) => isTheirs(found[place]!.origin))) continue;
      const source = this.#suspect(needlesOf(places.map((place) => pieces[place]!).join('')), ANYWHERE);
      if (source === null) continue;
      for (const place of places) {
        if (found[place]!.origin === 'unseen')
          found[place] = { ...found[place], origin: 'untrusted', seen: [source], because: 'joined' };
      }
    }
  }

  /** What is to be said of a value that nothing else could be said of. */
  unknown(because?: SourceNote): Pick<Found, 'origin' | 'because'> {
    const { untrusted, complete } = this.#in;
    if (!complete) return { origin: 'untrusted', because: 'not_all_kept' };
    const tooMuch = because === 'too_much' || this.#suspecting.left < 0;
    return tooMuch && !untrusted.isEmpty ? { origin: 'untrusted', because: 'too_much' } : { origin: 'unseen' };
  }

  #text(value: Value, isTarget: boolean, codes = 0): Found {
    const { sources } = this.#in;
    const vouching = this.#vouching(value);
    const suspect = this.#suspectValue(value);
    const seen = [...vouching.map((place) => sources[place]!), ...(suspect === null ? [] : [suspect])];
    const { text, isCommon: common } = value;
    const [first] = vouching;
    const sent = first === undefined ? null : this.#sentBefore(value, first);
    if (first !== undefined && sent === null) {
      const { origin } = sources[first]!;
      // What stands in any text is not what the trusted one meant, when it is where an effect lands.
      const weak = (origin === 'trusted' || origin === 'resolved') && common && isTarget && suspect !== null;
      if (!weak) return { origin, seen };
    }
    const list = this.#list(text);
    if (list !== null) return { ...list, seen: [...list.seen, ...(suspect === null ? [] : [suspect])] };
    if (sent !== null && isTheirs(sent.origin))
      return { origin: 'untrusted', seen: [sent, ...seen], because: 'sent_before' };
    if (suspect !== null && (isTarget || !common)) {
      const referred = suspect.origin === 'referred' && this.#isNamed(text);
      return { origin: referred ? 'referred' : theirs(suspect), seen };
    }
    const listed = isTarget || !common ? this.#listed(value) : null;
    if (listed !== null && this.#isToldBesideWords(text))
      return { origin: 'untrusted', seen: [listed], because: 'part' };
    if (listed !== null) return { origin: this.#isNamed(text) ? 'referred' : listed.origin, seen: [listed] };
    if (sent !== null) {
      const origin = sent.origin === 'prompt' ? 'prompt' : 'unseen';
      return { origin, seen: [sent, ...seen], because: 'sent_before' };
    }
    if (common) return { origin: 'unseen', seen };
    return this.#parts(text, codes) ?? { seen, ...this.unknown() };
  }

  /** A list of values of which each is vouched for; `null` for anything else. */
  #list(text: string): Found | null {
    if (text.length > MAX_LIST) return null;
    const items = text.split(/[,;|\n]/).filter((item) => item.trim() !== '');
    if (items.length < 2) return null;
    const all: Seen[] = [];
    for (const item of items) {
      const known = this.#voucher(this.#value(item));
      if (known === null) return null;
      all.push(known);
    }
    const origin = worstOf(all.map((source) => source.origin))!;
    return { origin, seen: all.filter((source) => source.origin === origin).slice(0, 1), because: 'part' };
  }

  /** What the parts of a text say of it; `null` for nothing. */
  #parts(text: string, codes: number): Found | null {
    const { values, windows, fragments, more } = partsOf(text);
    const vouched: Seen[] = [];
    let untrusted: Found | null = null;
    let all = values.length + windows.length > 0 && /[\s,;|]/.test(text);
    const parts = [
      ...values.map((part) => this.#value(part)),
      ...windows.map((part) => new Value(part.text, part.form)),
    ];
    for (const [at, part] of parts.entries()) {
      const suspect = at < values.length ? this.#suspectValue(part) : this.#suspect(part.pieces, AS_TEXT);
      // Once a part is from nowhere, it does not matter which of the others are vouched for unless they are suspect.
      const known = all || suspect !== null ? this.#voucher(part) : null;
      if (known !== null) vouched.push(known);
      else if (suspect !== null) {
        untrusted ??= { origin: theirs(suspect), seen: [suspect], because: 'part' };
        // What they had looked up is worse than what they wrote, and may stand beside it.
        if (suspect.origin === 'steered') return { ...untrusted, origin: 'steered', seen: [suspect] };
        if (!this.#in.steered) return untrusted;
      } else all = false;
    }
    if (untrusted !== null) return untrusted;
    for (const fragment of fragments) {
      const suspect = this.#suspect(needlesOf(this.#value(fragment).joinable), ANYWHERE);
      if (suspect !== null) return { origin: theirs(suspect), seen: [suspect], because: 'part' };
    }
    for (const said of codes < MAX_CODES ? decodedParts(text) : []) {
      const found = this.#text(this.#value(said), true, MAX_CODES);
      if (isTheirs(found.origin)) return { ...found, because: found.because ?? 'decoded' };
    }
    if (more) return { seen: vouched.slice(0, 1), ...this.unknown('too_much') };
    const origin = all ? worstOf(vouched.map((each) => each.origin)) : undefined;
    if (origin === undefined || this.#suspecting.left < 0) return null;
    return { origin, seen: vouched.filter((each) => each.origin === origin).slice(0, 1), because: 'part' };
  }

  /** The same text is looked up in several ways: its forms are made once. */
  #value(text: string): Value {
    const known = this.#values.get(text);
    if (known !== undefined) return known;
    const value = new Value(text);
    this.#values.set(text, value);
    return value;
  }

  /** What vouches for the value, unless it had been sent there. */
  #voucher(value: Value): Seen | null {
    const [known] = this.#vouching(value, 1);
    return known === undefined || this.#sentBefore(value, known) !== null ? null : this.#in.sources[known]!;
  }

  /** The first source of each kind that vouches for the value, the best first; by number. `most`: so many kinds will do. */
  #vouching(value: Value, most = 4): number[] {
    const { vouching, promptLast } = this.#in;
    const { prompt, parameters, resolved, trusted } = vouching;
    const order = promptLast ? [parameters, resolved, trusted, prompt] : [prompt, parameters, resolved, trusted];
    const firsts: number[] = [];
    for (const index of order) {
      if (index.isEmpty) continue;
      let first = Infinity;
      for (const form of value.trusted)
        first = Math.min(first, find(index, form, AS_VALUE, this.#trusting) ?? Infinity);
      if (first !== Infinity) firsts.push(first);
      if (firsts.length === most) break;
    }
    return firsts;
  }

  /** What the task had sent before a trusted source had it. */
  #sentBefore(value: Value, place: number): Seen | null {
    const { sources, sent } = this.#in;
    const { origin } = sources[place]!;
    if ((origin !== 'trusted' && origin !== 'resolved') || sent.isEmpty) return null;
    const places = value.suspects
      .map((form) => find(sent, form, AS_WORDS, this.#suspecting))
      .filter((found) => found !== null);
    const first = Math.min(...places);
    if (first >= place) return null;
    const source = sources[first]!;
    // What is found by the parameters of the task is theirs, whoever had asked for it before.
    return source.origin === 'prompt' && origin === 'resolved' ? null : source;
  }

  /** Whether it is the e-mail address of somebody whom the prompt names: all words before the `@` are names there. */
  #isNamed(text: string): boolean {
    const [, local] = /^([^@\s]+)@[^@\s]+$/.exec(text) ?? [];
    if (local === undefined || /\p{N}/u.test(local)) return false;
    const words = local
      .toLowerCase()
      .split(/[^\p{L}]+/u)
      .filter((word) => word !== '');
    return words.length > 0 && words.every((word) => this.#in.names.has(word));
  }

  /** The source that has the value as an item of a list. */
  #listed(value: Value): Seen | null {
    const place = find(this.#in.listed, value.pieces, AS_LINE, this.#suspecting);
    return place === null ? null : this.#in.sources[place]!;
  }

  /** `T-92` in `close T-92 as well`: an item as short as a name may still be an instruction. Of words and small numbers, names are made. */
  #isToldBesideWords(text: string): boolean {
    if (!/\d/.test(text) || !/\p{L}|\d{5}/u.test(text)) return false;
    const needles = needlesOf(suspectForm(text));
    return BESIDE_WORDS.some((match) => find(this.#in.listed, needles, match, this.#suspecting) !== null);
  }

  #suspectValue(value: Value): Seen | null {
    if (this.#in.untrusted.isEmpty) return null;
    for (const form of value.suspects) {
      const source = this.#suspect(form, AS_WORDS);
      if (source !== null) return source;
    }
    return null;
  }

  #suspect(pieces: readonly Needle[], match: Match): Seen | null {
    const place = find(this.#in.untrusted, pieces, match, this.#suspecting);
    return place === null ? null : this.#in.sources[place]!;
  }
}

/** The first source of what was found. A long value is looked up in pieces: all of them have to be there. */
function find(index: TextIndex, pieces: readonly Needle[], match: Match, budget: Budget): number | null {
  if (index.isEmpty || pieces.length === 0) return null;
  if (pieces.length === 1) return index.find(pieces[0]!, match, budget);
  let first: number | null = null;
  for (const [at, piece] of pieces.entries()) {
    const begins = at === 0 ? match.begins : ANYWHERE.begins;
    const ends = at === pieces.length - 1 ? match.ends : ANYWHERE.ends;
    const found = index.find(piece, { begins, ends, loose: match.loose }, budget);
    if (found === null) return null;
    first ??= found;
  }
  return first;
}

function isVouched({ origin }: Found): boolean {
  return origin !== 'unseen' && !isTheirs(origin);
}

/** Whether outsiders wrote it, or had it looked up. */
function isTheirs(origin: ArgumentOrigin): boolean {
  return origin === 'untrusted' || origin === 'steered';
}

function theirs({ origin }: Seen): ArgumentOrigin {
  return origin === 'steered' ? 'steered' : 'untrusted';
}

/** Places beside each other: two in either order, and three. */
function* neighbours(count: number): Generator<number[]> {
  for (let at = 0; at + 1 < count; at++) {
    yield [at, at + 1];
    yield [at + 1, at];
    if (at + 2 < count) yield [at, at + 1, at + 2];
  }
}
