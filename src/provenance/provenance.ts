import type { ArgumentOrigin, SourceNote } from '../core/action.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { isCommon } from './common.ts';
import { suspectForm, trustForm } from './forms.ts';
import { itemsAndProse } from './items.ts';
import { leavesOf } from './leaves.ts';
import { Search } from './search.ts';
import { suspectText, textOf, trustedText } from './source-text.ts';
import { TextIndex } from './text-index.ts';

/** Something that was read or given. `id` is shown to people: the record of the action that returned it, say. */
export type Source = { id: string; origin: Exclude<ArgumentOrigin, 'unseen'> };

/** A source in which a value was seen, or the argument by which this task had itself sent it. */
export type Seen = { id: string; origin: ArgumentOrigin };

/** Where one value of the arguments was seen. */
export type LeafOrigin = {
  /** JSON Pointer (RFC 6901) into the arguments. */
  path: string;
  origin: ArgumentOrigin;
  /** The first source of each kind that has it, the one that decides first; empty for what was seen nowhere. */
  seen: Seen[];
  /** Why, where it is not simply that the value stands in the source. */
  because?: SourceNote;
};

export type Provenance = {
  /** Remembers what was given or read. Takes time and memory in proportion to its size. */
  add(source: Source, value: JsonValue): void;
  /**
   * Where each value of the arguments was seen. Looks at a bounded amount of text, whatever the arguments are.
   *
   * @param isTarget whether an effect lands at a value: then it is suspect however common it is.
   */
  of(args: JsonObject, isTarget?: (path: string) => boolean): LeafOrigin[];
  /** Remembers that these values have left: what a trusted system returns of them later does not make them trusted. */
  sent(args: JsonObject, origins: readonly LeafOrigin[]): void;
  /** Something has left that is not known here: what a trusted system returns from here on vouches for nothing. */
  sentUnread(): void;
  /** A person answers for the value, as it is: from here on it is trusted wherever it stands. */
  answerFor(value: string, id: string): void;
  /** Something was read that is not known here: what is found nowhere may be from there. */
  missed(): void;
  /** Bytes that were read, and that are held of it, about; whether all of it is. */
  readonly size: { read: number; held: number; complete: boolean };
};

const MIB = 2 ** 20;
/** Of people and things, that the prompt has: words with a capital letter, in lower case. */
function namesIn(text: string): string[] {
  return (text.match(/\p{Lu}\p{L}+/gu) ?? []).map((name) => name.toLowerCase());
}

const MAX_NAMES = 1_000;

/**
 * Where the values of a task's actions come from, by looking them up in all that the task was given and has read. It
 * errs to the untrusted side: trusted is what stands in a trusted text as it is, but for letter case, white space and the
 * ways of writing a number, a date, an address or an identifier; untrusted, what stands in an untrusted one in any disguise
 * that is known here. It cannot see what was paraphrased or computed: that is `unseen`.
 *
 * @param promptLast whether somebody outside wrote the prompt, who does not decide whose a value is.
 * @param complete whether nothing was read before.
 * @param cap bytes that are held at most. What is read beyond is not kept, and what is found nowhere counts as untrusted.
 */
export function createProvenance({
  cap = 128 * MIB,
  promptLast = false,
  complete: completeAtStart = true,
}: { cap?: number; promptLast?: boolean; complete?: boolean } = {}): Provenance {
  const sources: Seen[] = [];
  const vouching = {
    prompt: new TextIndex(),
    parameters: new TextIndex(),
    resolved: new TextIndex(),
    trusted: new TextIndex(),
  };
  const untrusted = new TextIndex();
  /** Items of lists, a line each. */
  const listed = new TextIndex();
  /** The same, of records that the prompt names. */
  const named = new TextIndex();
  const names = new Set<string>();
  /** All words of the prompt, in the form in which untrusted values are looked up. */
  const words = new Set<string>();
  /** What this task has sent without it being trusted, by the place in `sources` that it has among what was read. */
  const sent = new TextIndex();
  const all = [...Object.values(vouching), untrusted, listed, named, sent];
  let read = 0;
  const answered = new Map<string, string>();
  let complete = completeAtStart;
  let sentComplete = true;
  let steered = false;

  /** Whether the prompt has every word of a name that says something. What somebody outside wrote points at nothing. */
  const isSaid = (name: string) => {
    const telling = promptLast ? [] : name.split(' ').filter((word) => word.length > 2 && !isCommon(word));
    return telling.length > 0 && telling.every((word) => words.has(word));
  };

  const held = () => all.reduce((sum, index) => sum + index.bytes, 0);

  function keep(index: TextIndex, text: string, source: Seen): boolean {
    if (held() + text.length * 2 > cap) {
      complete = false;
      return false;
    }
    sources.push(source);
    index.add(text, sources.length - 1);
    return true;
  }

  return {
    get size() {
      return { read, held: held(), complete };
    },

    add: (source, value) => {
      const text = textOf(value);
      read += Buffer.byteLength(text);
      switch (source.origin) {
        case 'steered':
          steered = true;
          return void keep(untrusted, suspectText(text), source);
        case 'untrusted':
          return void keep(untrusted, suspectText(text), source);
        case 'listed':
        case 'referred': {
          const { items, named: pointedAt, prose } = itemsAndProse(value, isSaid);
          const as = source.origin === 'referred' ? source : { ...source, origin: 'untrusted' as const };
          if (prose !== '') keep(untrusted, suspectText(prose), as);
          if (pointedAt.length > 0) keep(named, pointedAt.join('\n'), { ...source, origin: 'referred' });
          if (items.length > 0) keep(listed, items.join('\n'), { ...source, origin: 'listed' });
          return;
        }
        case 'prompt':
          for (const name of namesIn(text)) if (names.size < MAX_NAMES) names.add(name);
          for (const word of suspectForm(text).split(' ')) if (words.size < MAX_NAMES) words.add(word);
          return void keep(vouching.prompt, trustedText(text), source);
        case 'parameters':
          return void keep(vouching.parameters, trustedText(text), source);
        case 'resolved':
        case 'trusted':
          // It may be what had been sent there.
          if (!sentComplete) return void (complete = false);
          return void keep(vouching[source.origin], trustedText(text), source);
      }
    },

    of: (args, isTarget = () => false) => {
      const search = new Search({
        sources,
        vouching,
        untrusted,
        listed,
        named,
        sent,
        names,
        answered,
        promptLast,
        complete,
        steered,
      });
      const { leaves, more } = leavesOf(args);
      const found = leaves.map((leaf) => search.leaf(leaf, isTarget(leaf.path)));
      search.joinNeighbours(leaves, found);
      const origins = found.map((each, place) => ({ path: leaves[place]!.path, ...each }));
      return more ? [...origins, { path: '', seen: [], ...search.unknown('too_much') }] : origins;
    },

    answerFor: (value, id) => void answered.set(trustForm(value), id),

    missed: () => void (complete = false),

    sent: (args, origins) => {
      const bad = new Map(origins.map((leaf) => [leaf.path, leaf]));
      const { leaves, more } = leavesOf(args);
      for (const leaf of leaves) {
        const origin = bad.get(leaf.path)?.origin ?? 'unseen';
        // A look-up of what somebody outside said returns it, and does not say whose it is.
        const isAsked = promptLast && origin === 'prompt';
        if (origin !== 'untrusted' && origin !== 'steered' && origin !== 'unseen' && !isAsked) continue;
        for (const value of [String(leaf.value), ...leaf.names]) {
          if (suspectForm(value) === '' || isCommon(suspectForm(value))) continue;
          // A system may give back what it was told in code as what that says.
          sentComplete = keep(sent, suspectText(value), { id: leaf.path, origin }) && sentComplete;
        }
      }
      if (more) sentComplete = false;
    },

    sentUnread: () => void (sentComplete = false),
  };
}
