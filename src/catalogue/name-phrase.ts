import { INFORMATION, TOLD } from './nouns.ts';
import { senseOf, type Sense } from './verbs.ts';
import { joinPhrases, partsOf } from './words.ts';

/** The verbs of an operation in one of its descriptions, the first one leading, and the words of what it is done to. */
export type Phrase = { verbs: Sense[]; object: readonly string[] };

/** Words that stand before the verb of a name without being what it does. */
const BEFORE_THE_VERB = new Set(
  'api rest rpc v1 v2 v3 v4 bulk batch multi async auto force try do please admin user my all and or'.split(' '),
);

/** Verbs of reading that are nouns as well: behind another verb they are its object (`run query`, `update list`). */
const OBJECTS = new Set(
  'list search query count compare browse head tail lookup diff display show read estimate preview render compute'.split(
    ' ',
  ),
);

/** What a GET gives when its name ends so, though it is a verb elsewhere: `console_text`, `last_message`. */
const GIVEN = new Set('text message email mail page sms contact alert'.split(' '));

/** `getblockcount`, `listunspent`: written in one word. */
const IN_ONE = /^(?:get(?!aways?$|ters?$)[a-z]{4,}|list(?!ings?$|ener|ens?$|ed$)[a-z]{4,})$/;

/** Verbs that stand beside another without `or`: `pause_resume`. */
const PAIRED = new Set(
  `create add insert update upsert modify edit patch delete remove enable disable start stop pause resume open close lock unlock`.split(
    /\s+/,
  ),
);

/**
 * What the name of an operation says that it does: `create_issue`, `users.messages.send`, `slack_post_message`, `pods-exec`,
 * `create_or_update_file`. `method` is left out where the name repeats it (`GET_ListUsers`, `postSearch`).
 */
export function phraseOfName(name: string, method?: string): Phrase {
  const parts = partsOf(name);
  const words = joinPhrases(withoutMethod(parts.at(-1) ?? [], method));
  const [only] = words;
  if (words.length === 1 && only !== undefined && IN_ONE.test(only) && senseOf(only) === undefined) {
    return { verbs: [senseOf(only.startsWith('get') ? 'get' : 'list')!], object: [only.replace(/^(?:get|list)/, '')] };
  }
  const at = leadingVerb(words, method);
  if (at < 0) return participle(words, method);
  const verbs = [senseOf(words[at]!)!];
  const ends = alsoNamed(words, at, verbs);
  // `users.sessions.create`, `session_create`: what stands behind the verb, else before it.
  const behind = words.slice(ends + 1);
  const object = behind.length > 0 ? behind : at > 0 ? words.slice(0, at) : (parts.at(-2) ?? []);
  return { verbs, object };
}

function withoutMethod(words: string[], method?: string): string[] {
  const [first, next] = words;
  if (next === undefined || first !== method?.toLowerCase()) return words;
  return first === 'post' || senseOf(next)?.clear === true ? words.slice(1) : words;
}

/** Where the verb stands: first, else the first that can only be a verb, else last, else anywhere; −1 for none. */
function leadingVerb(words: readonly string[], method?: string): number {
  const senses = words.map((word, at) => {
    const sense = senseOf(word);
    // `lists`, `updates`, `archived` are nouns and adjectives in a name, unless what only a verb can be stands first.
    const isVerb =
      sense?.inflection === 'base' || (at === 0 && words.length > 1 && sense?.inflection === 'third' && sense.clear);
    return isVerb ? sense : undefined;
  });
  const first = senses.findIndex((_, at) => !BEFORE_THE_VERB.has(words[at]!) || senses[at]?.clear === true);
  const last = words.length - 1;
  const onlyVerb = (at: number) => senses[at]?.clear === true && !OBJECTS.has(words[at]!);
  if (first >= 0 && senses[first] !== undefined) {
    // `message_send`, `run_get`: a noun first and what can only be a verb last.
    const isNoun = !senses[first].clear || OBJECTS.has(words[first]!);
    return isNoun && last > first && onlyVerb(last) ? last : first;
  }
  const clear = senses.findIndex((sense) => sense?.clear === true);
  // `trello_archive_list`: what stands before is done to the list.
  const done = senses[clear - 1];
  if (clear > 0 && OBJECTS.has(words[clear]!) && done !== undefined && done.effect !== 'read') return clear - 1;
  if (clear >= 0) return clear;
  // `git_log`: what it gives.
  if (last > 0 && INFORMATION.has(words[last]!) && senses[0] === undefined) return -1;
  if (last > 0 && method?.toUpperCase() === 'GET' && GIVEN.has(words[last]!)) return -1;
  if (senses[last] !== undefined) return last;
  return senses.findIndex((sense) => sense !== undefined);
}

/** Adds what is done besides: `create_or_update`, `pause_resume`, `search_and_replace`. Gives where the verbs end. */
function alsoNamed(words: readonly string[], head: number, verbs: Sense[]): number {
  let end = head;
  for (let at = head + 1; at < words.length; at++) {
    const sense = senseOf(words[at]!);
    if (sense?.inflection !== 'base') continue;
    const joined = ['and', 'or', 'then'].includes(words[at - 1]!);
    const beside = at === end + 1 && PAIRED.has(words[at]!) && PAIRED.has(words[head]!);
    if (!joined && !beside) continue;
    verbs.push(sense);
    end = joined && at > end + 2 ? end : at;
  }
  return end;
}

/** `step_completed` tells somebody that something is so; `user_details` asks for something. */
function participle(words: readonly string[], method: string | undefined): Phrase {
  const last = words.at(-1);
  if (last === undefined) return { verbs: [], object: [] };
  if (INFORMATION.has(last)) {
    // Of a tool, whose name is all that there may be; what is posted to `/status` may be a new one.
    const clear = method === undefined && words.length > 1 && TOLD.has(last);
    return { verbs: [{ lemma: last, effect: 'read', clear, inflection: 'noun' }], object: words.slice(0, -1) };
  }
  const sense = senseOf(last);
  return sense?.inflection === 'past' && words.length > 1
    ? { verbs: [{ ...sense, clear: false }], object: words.slice(0, -1) }
    : { verbs: [], object: words };
}

/**
 * What the path says: its last fixed part, where that is a verb (`/issues/{id}/lock`, `/users:search`, `/chat.postMessage`,
 * `/#Action=DeleteUser`). In a collection (`/releases/{id}`) only what can be nothing but a verb counts.
 */
export function phraseOfPath(path: string): Phrase {
  const parts = path.split('/').filter((part) => part !== '');
  const fixed = parts.findLastIndex((part) => !/^\{.*\}$|^:\w+$/.test(part));
  const part = parts[fixed];
  if (part === undefined) return { verbs: [], object: [] };
  // A custom method (`{name}:cancel`), or a dispatch by query (`?Action=DeleteUser`).
  const spelled = part.replace(/^.*\}:/, '').replace(/^.*=/, '');
  const phrase = phraseOfName(spelled.replaceAll(/\{[^}]*\}/g, ''));
  const before = partsOf(parts[fixed - 1]?.startsWith('{') ? (parts[fixed - 2] ?? '') : (parts[fixed - 1] ?? ''));
  const [head] = phrase.verbs;
  const words = joinPhrases(partsOf(spelled).at(-1) ?? []).filter((word) => !BEFORE_THE_VERB.has(word));
  const leads = head !== undefined && head.inflection === 'base' && (words[0] === head.lemma || head.clear);
  // `/deploy-keys`, `/releases/{id}`: things, of which there are several.
  const isThing = fixed < parts.length - 1 || (words.length > 1 && /[^su]s$/.test(words.at(-1)!));
  if (!leads || (isThing && !head.clear)) return { verbs: [], object: words };
  return { verbs: phrase.verbs, object: phrase.object.length > 0 ? phrase.object : (before.at(-1) ?? []) };
}
