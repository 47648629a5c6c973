/**
 * The words of a name, lower case and in order: `createAccessKey`, `create_access_key`, `create-access-key` and
 * `CREATE ACCESS KEY` are the same three. A run of capitals is one word (`getHTTPResponse`), as is a plural of one (`listVMs`).
 */
export function wordsOf(name: string): string[] {
  return name
    .slice(0, MAX_NAME)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])(?!\b|[A-Z_])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/** No name of an operation is longer; what is, is cut. */
const MAX_NAME = 400;

/**
 * The parts of a name that has a namespace, each as words, the operation itself last: `users.messages.send`, `issues/create`,
 * `chat_postMessage`. An underscore parts names only where the parts themselves are in camel case: in snake case it is a space.
 */
export function partsOf(name: string): string[][] {
  const camel = /_/.test(name) && /[a-z][A-Z]|^[A-Z]+_[A-Z]|_[A-Z][a-z]/.test(name);
  return name
    .slice(0, MAX_NAME)
    .split(camel ? /[/.:#_]+/ : /[/.:#]+|__+/)
    .map(wordsOf)
    .filter((words) => words.length > 0);
}

/** How a word is bent: what a name may be read from depends on it (`releases` is a verb in a sentence, and a noun in a name). */
export type Inflection = 'base' | 'third' | 'past' | 'gerund' | 'noun';

/** What a word may be a form of, the likeliest first; the word itself is always the first. */
export function formsOf(word: string): { lemma: string; inflection: Inflection }[] {
  const forms: { lemma: string; inflection: Inflection }[] = [{ lemma: word, inflection: 'base' }];
  const add = (inflection: Inflection, ...lemmas: string[]) => {
    for (const lemma of lemmas) if (lemma.length > 1) forms.push({ lemma, inflection });
  };
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) add(irregular[1], irregular[0]);
  if (word.endsWith('ies')) add('third', `${word.slice(0, -3)}y`);
  if (/(?:s|x|z|ch|sh|o)es$/.test(word)) add('third', word.slice(0, -2));
  if (/[^s]s$/.test(word)) add('third', word.slice(0, -1));
  if (word.endsWith('ied')) add('past', `${word.slice(0, -3)}y`);
  if (word.endsWith('ed')) add('past', ...stems(word.slice(0, -2)));
  if (word.endsWith('ing')) add('gerund', ...stems(word.slice(0, -3)));
  if (/[aeiou]tion$/.test(word)) add('noun', `${word.slice(0, -3)}e`, word.slice(0, -5), `${word.slice(0, -5)}e`);
  // British spelling.
  for (const { lemma, inflection } of forms.slice()) {
    if (/[^aeiou]ise$|yse$/.test(lemma)) forms.push({ lemma: lemma.replace(/([iy])se$/, '$1ze'), inflection });
  }
  return forms;
}

/** `creat` → create, creat; `dropp` → drop; what was doubled is halved. */
function stems(stem: string): string[] {
  const halved = /([^aeiouls])\1$/.test(stem) ? [stem.slice(0, -1)] : [];
  return [`${stem}e`, stem, ...halved];
}

const IRREGULAR: ReadonlyMap<string, [lemma: string, inflection: Inflection]> = new Map(
  Object.entries({
    sent: ['send', 'past'],
    got: ['get', 'past'],
    ran: ['run', 'past'],
    made: ['make', 'past'],
    removal: ['remove', 'noun'],
    retrieval: ['retrieve', 'noun'],
    deletion: ['delete', 'noun'],
    revocation: ['revoke', 'noun'],
    renewal: ['renew', 'noun'],
    enrollment: ['enroll', 'noun'],
    cancellation: ['cancel', 'noun'],
    modification: ['modify', 'noun'],
    verification: ['verify', 'noun'],
    notification: ['notify', 'noun'],
    cancelled: ['cancel', 'past'],
    cancelling: ['cancel', 'gerund'],
  }),
);

/** Several words that are one verb. */
const PHRASAL: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'log in': 'login',
    'log on': 'login',
    'logs in': 'login',
    'sign in': 'login',
    'signs in': 'login',
    'log out': 'logout',
    'logs out': 'logout',
    'log off': 'logout',
    'sign out': 'logout',
    'sign up': 'signup',
    'set up': 'setup',
    'sets up': 'setup',
    'look up': 'lookup',
    'looks up': 'lookup',
    'clean up': 'cleanup',
    'cleans up': 'cleanup',
    'tear down': 'teardown',
    'tears down': 'teardown',
    'shut down': 'shutdown',
    'shuts down': 'shutdown',
    'turn on': 'enable',
    'turns on': 'enable',
    'switch on': 'enable',
    'turn off': 'disable',
    'turns off': 'disable',
    'switch off': 'disable',
    'power on': 'start',
    'power off': 'stop',
    'roll back': 'rollback',
    'rolls back': 'rollback',
    'roll out': 'rollout',
    'hand off': 'handoff',
    'hands off': 'handoff',
    'hand over': 'handoff',
    'back up': 'backup',
    'spin up': 'provision',
    'opt in': 'subscribe',
    'opt out': 'unsubscribe',
    'check in': 'checkin',
    'check out': 'checkout',
    'wake up': 'start',
    'close out': 'close',
    're run': 'rerun',
    're runs': 'rerun',
    're request': 'request',
    're send': 'resend',
    're try': 'retry',
    're open': 'reopen',
    're start': 'restart',
    're index': 'reindex',
    're generate': 'regenerate',
    're issue': 'reissue',
    'cherry pick': 'cherrypick',
    'fan out': 'broadcast',
    'carry out': 'perform',
    'dry run': 'preview',
    'dry runs': 'preview',
    'kick off': 'trigger',
    'kicks off': 'trigger',
  }),
);

/** Nouns of two words of which the first is a verb elsewhere. */
const COMPOUND =
  /^(?:(?:pull|merge|change|feature|access|join|friend) requests?|check (?:runs?|suites?)|test (?:runs?|results?|cases?)|release notes?|deploy (?:keys?|tokens?)|open id|login profiles?|search index|read receipts?)$/;

/** Joins what is one verb (`sign in to` → `login to`), and what is one noun. */
export function joinPhrases(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const pair = `${words[at]!} ${words[at + 1] ?? ''}`;
    const phrase = PHRASAL.get(pair) ?? (COMPOUND.test(pair) ? pair.replace(' ', '-') : undefined);
    joined.push(phrase ?? words[at]!);
    if (phrase !== undefined) at++;
  }
  return joined;
}
