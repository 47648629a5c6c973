import type { Effect } from '../core/effect.ts';
import { headOf, isCredential, MESSAGES, RUNS } from './nouns.ts';
import type { Phrase } from './name-phrase.ts';
import { DOING, type Sense } from './verbs.ts';

/** Verbs that make a credential when one is their object. Clear or not, the object makes it clear. */
const MAKING = new Set(
  `create generate issue mint rotate reset renew refresh regenerate reissue exchange request obtain acquire provision add
  register upload new start open begin sign enroll allocate grant roll post establish make insert put import scope initiate
  assume`.split(/\s+/),
);
/** These give a credential that is there, or make a new one: which, the noun and the answer have to say. */
const GIVING = new Set('get fetch retrieve return give obtain provide acquire request take'.split(' '));
/** Credentials that are not kept to be read again: whoever gets one gets a new one. */
const FLEETING = new Set(
  'session access federation temporary auth authorization login bearer refresh id identity installation signed presigned'.split(
    ' ',
  ),
);

/** What ends when it is reset. */
const PASSING = new Set(['session', 'ticket', 'cookie']);
/** What is given anew to each who asks, with a word of `FLEETING` before it. */
const GIVEN = new Set('token credential session ticket jwt cookie assertion url link code'.split(' '));

const NEW_EACH_TIME = new Set(['sas', 'otp', 'totp']);
const ADMITTED = new Set('app application client user device access oauth account connection'.split(' '));
const DELEGATING = new Set('spawn start launch run invoke call ask assign dispatch trigger'.split(' '));
const AGENTS = new Set(['agent', 'subagent']);

const CALLING = new Set('create make place start'.split(' '));
/** What is worked out, or looked up, whatever the verb may do to other things. */
const FIGURED: Readonly<Record<string, ReadonlySet<string>>> = {
  convert: new Set('currency unit time timezone temperature amount date'.split(' ')),
  track: new Set('parcel package shipment delivery flight'.split(' ')),
  test: new Set(['permission']),
  check: new Set('permission availability'.split(' ')),
};
const SENDING = new Set('post create add schedule submit push share reply forward write compose drop put'.split(' '));
const SETTING_OFF = new Set('create start post trigger submit queue request new add schedule'.split(' '));

export type Circumstances = {
  /** Whether the answer has a member named like a secret. */
  answers: boolean;
  /** Whether one thing that is there already is asked for by its id. */
  single: boolean;
  /** Whether it is asked for by a method that changes something. */
  posted: boolean;
};

/** The effect of each verb of a phrase, given what it is done to. */
export function effectOf(
  { verbs, object }: Phrase,
  circumstances: Circumstances,
): { effect: Effect; clear: boolean; doing: boolean; why: string }[] {
  const head = headOf(object);
  const spelled = object.slice(0, 4).join(' ');
  return verbs.map((sense) => {
    // `exchange a code for a token`: what comes of it stands behind.
    const made = sense.lemma === 'exchange' ? headOf(object.slice(object.indexOf('for') + 1)) : head;
    const { effect, clear } = withObject(sense, { head: made, object, ...circumstances });
    return {
      effect,
      clear,
      doing: DOING.has(sense.lemma) && sense.inflection !== 'third',
      why: `\`${sense.lemma}${spelled === '' ? '' : ` ${spelled}`}\` reads as ${effect}`,
    };
  });
}

function withObject(
  { lemma, effect, clear }: Sense,
  {
    head,
    object,
    answers,
    single,
    posted,
  }: Circumstances & { head: ReturnType<typeof headOf>; object: readonly string[] },
): { effect: Effect; clear: boolean } {
  const credential = isCredential(head);
  if (credential && MAKING.has(lemma) && effect !== 'read' && !(lemma === 'reset' && PASSING.has(head.head)))
    return { effect: 'mint', clear: true };
  if (GIVEN.has(head.head) && GIVING.has(lemma) && !single) {
    const temporary = object.includes('temporary');
    const fleeting = temporary || head.before.some((word) => FLEETING.has(word));
    if (answers && fleeting) return { effect: 'mint', clear: true };
    // `get session token` is given a new one; `get access tokens` are those that there are.
    // Nobody posts to be told of a token that is there.
    if (posted && object.includes(head.head)) return { effect: 'mint', clear: false };
    if (fleeting && (temporary || object.includes(head.head))) return { effect: 'mint', clear: false };
  }
  // These are made for whoever asks: nobody keeps a list of them.
  if (NEW_EACH_TIME.has(head.head) && (GIVING.has(lemma) || lemma === 'list')) return { effect: 'mint', clear: false };
  // `authorize` lets somebody in, `authorize a payment` does not.
  if (lemma === 'authorize' && head.head !== '' && !credential && !ADMITTED.has(head.head))
    return { effect: 'write', clear };
  if (DELEGATING.has(lemma) && AGENTS.has(head.head)) return { effect: 'delegate', clear: true };
  const address = ['email', 'mail'].includes(head.head) && ['add', 'create', 'put'].includes(lemma);
  if (CALLING.has(lemma) && head.head === 'call') return { effect: 'send', clear: true };
  if (FIGURED[lemma]?.has(head.head) === true) return { effect: 'read', clear: true };
  if (SENDING.has(lemma) && MESSAGES.has(head.head) && !address) return { effect: 'send', clear: true };
  if (SETTING_OFF.has(lemma) && RUNS.has(head.head)) return { effect: 'execute', clear: true };
  return { effect, clear };
}
