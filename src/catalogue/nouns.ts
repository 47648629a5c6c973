/** What an operation is about: which nouns are a credential, which leave the organisation, which set something going. */

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** What lets its holder in, or is a way in that stays: the singular of each. */
const CREDENTIALS = set(`
  token credential password passphrase passcode passwd apikey keypair certificate cert session ticket otp totp jwt cookie
  kubeconfig jitconfig pat dsn assertion sas passkey macaroon svid`);

/** Nouns that are a credential with one of these before them. */
const COMPOUNDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    code: set('recovery backup auth authorization verification login pairing device invite mfa factor otp one time'),
    link: set('magic login sign signin invite invitation share shared sharing reset onboarding account portal'),
    url: set('signed presigned login sign signin upload share sas federation reset'),
    secret: set('client webhook shared app signing api'),
    authorization: set('oauth'),
    profile: set('login'),
    device: set('mfa'),
    value: set('secret'),
    data: set('password'),
  }),
);

/** Keys that open nothing. */
const NO_KEY = set(`
  issue project cache foreign primary sort partition index object row column map dictionary translation feature flag
  config property field tag label metadata idempotency redis registry press context redirect`);

/** Words behind which an object is qualified, not named: `token for org`, `key from vault`. */
export const PREPOSITIONS = set(
  'for from in into to with by on of at under within via per between against about without as using',
);

export const MESSAGES = set(`
  message email mail sms notification tweet dm reply broadcast invitation invite fax newsletter announcement
  postcard letter chat mms`);

export const RUNS = set('run execution invocation dispatch deployment build rollout command rerun launch statement');

/** What can only be told, and not be set, where nothing else is said. */
export const TOLD = set(`
  info information stats statistics history details summary schema metrics analytics insights usage
  logs health state size counts`);

/** What a name that ends in it asks for: `build status`, `access logs`. */
export const INFORMATION = set(`
  info information status state stats statistics logs history details metadata summary schema tree size metrics analytics
  insights report reports usage list count counts version versions indexes health documentation docs help preview results
  profile members permissions capabilities snapshot screenshot log messages`);

/** The object's head: what stands last before a preposition, in the singular, with what qualifies it before it. */
export function headOf(object: readonly string[]): { head: string; before: readonly string[] } {
  const end = object.findIndex((word) => PREPOSITIONS.has(word));
  const words = object
    .slice(0, end < 0 ? undefined : end)
    .flatMap((word) => word.split('-'))
    .filter((word) => !/^v?\d+$/.test(word) && !LEFT_OUT.has(word));
  return { head: singular(words.at(-1) ?? ''), before: words.slice(0, -1).map(singular) };
}

const LEFT_OUT = set('legacy beta v1 v2 async bulk batch a an the new pair all current own my set material string');

/** Whether the object is something that lets its holder in. */
export function isCredential({ head, before }: ReturnType<typeof headOf>): boolean {
  if (CREDENTIALS.has(head)) return true;
  if (head === 'key') return before.length === 0 || !before.some((word) => NO_KEY.has(word));
  return before.some((word) => COMPOUNDS.get(head)?.has(word) === true);
}

export function singular(word: string): string {
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ss|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  return word.length > 3 && /[^su]s$/.test(word) ? word.slice(0, -1) : word;
}
