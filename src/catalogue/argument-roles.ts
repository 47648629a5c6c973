import { isJsonObject, type JsonObject } from '../core/json.ts';
import { isIdentifier, isTime } from './value-shape.ts';
import { wordsOf } from './words.ts';

/**
 * What an argument says. `target`: where the effect lands. `setting`: what is set there. `content`: text that is carried
 * there. `measure`: when, how much, in which form. `proof`: a code that confirms what was decided already.
 */
export type ArgumentRole = 'target' | 'setting' | 'content' | 'measure' | 'proof';

/**
 * The role of each argument of an operation, by name and schema. A guess, which the target file may put otherwise. Whatever
 * is not plainly something else is a setting, of which the same is asked as of a target: that is the side to err to.
 */
export function argumentRoles(inputSchema: JsonObject | undefined): Record<string, ArgumentRole> {
  const properties = isJsonObject(inputSchema?.properties) ? inputSchema.properties : {};
  const beside = new Set(Object.keys(properties).flatMap(wordsOf));
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      roleOf(name, isJsonObject(schema) ? schema : {}, beside),
    ]),
  );
}

/** The role of a value that stands at a path of member names: of the argument, or of the innermost name within it. */
export function roleAt(
  roles: Readonly<Record<string, ArgumentRole>>,
  path: readonly string[],
  value: string | number,
): ArgumentRole {
  const [argument = '', ...inner] = path;
  const role = Object.hasOwn(roles, argument) ? roles[argument]! : roleOf(argument, { type: typeof value });
  const name = inner.at(-1) ?? argument;
  if (role === 'content') {
    // `message: { to: …, text: … }`: the whole that is sent says where to, as well.
    if (inner.some((each) => REACHED.has(wordsOf(each).at(-1) ?? ''))) return 'target';
    return typeof value === 'string' && namesOne(name, value) ? 'target' : role;
  }
  return inValue(inner.length === 0 ? role : roleOf(name, { type: typeof value }), name, value);
}

/** `message: m44`: what may be a text or the identifier of one. */
function namesOne(name: string, value: string): boolean {
  return isEither(name) && isIdentifier(value);
}

/** Whether it is the value that says whether an argument of this name is a text or names one. */
export function isEither(name: string): boolean {
  return EITHER.has(wordsOf(name).at(-1) ?? '');
}

/** Whatever the name is, a value that is a time says when. */
function inValue(role: ArgumentRole, name: string, value: string | number): ArgumentRole {
  if ((role !== 'setting' && role !== 'target') || typeof value !== 'string') return role;
  return !IDENTIFIERS.has(wordsOf(name).at(-1) ?? '') && isTime(value) ? 'measure' : role;
}

/** @param beside the words of the names of all arguments of the operation. */
function roleOf(name: string, schema: JsonObject, beside: ReadonlySet<string> = NONE): ArgumentRole {
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  if (PROOFS.some((proof) => ` ${words.join(' ')} `.includes(` ${proof} `))) return 'proof';
  // Before the type: many a number names a thing.
  if (IDENTIFIERS.has(last) || isSaidToName(schema)) return 'target';
  if (CONTENT.has(last)) return 'content';
  // Of an appointment, where people meet; of a payment, what the payee reads. Elsewhere both are what is acted on.
  if (MEETING_PLACES.has(last) && (has(beside, WHEN) || has(beside, TIMES))) return 'content';
  if (last === 'reference' && has(beside, SUMS)) return 'content';
  if (MEASURES.has(last) || saysWhen(words) || words.some((word) => TIMES.has(word)) || isMeasure(schema)) {
    return 'measure';
  }
  return PLACES.has(last) ? 'target' : 'setting';
}

/** `start`, `starts_at`: the last word, but for `at`. */
function saysWhen(words: readonly string[]): boolean {
  const last = words.at(-1) === 'at' ? words.at(-2) : words.at(-1);
  return last !== undefined && WHEN.has(last);
}

const NONE: ReadonlySet<string> = new Set();
const has = (names: ReadonlySet<string>, any: ReadonlySet<string>) => [...any].some((name) => names.has(name));

/** `message`, described as `ID of the message`. */
function isSaidToName({ description }: JsonObject): boolean {
  return typeof description === 'string' && SAID_TO_NAME.test(description);
}

const SAID_TO_NAME =
  /^(?:the |an? |optional |required )*(?:unique |numeric |internal )?(?:\w+ )?(?:ids?|identifiers?|uuids?|guids?)\b(?! card)/i;

/** Numbers that name nothing, switches, choices among what the operation itself lists, and times. */
function isMeasure(schema: JsonObject): boolean {
  const { type, format, anyOf, oneOf } = schema;
  if (schema.enum !== undefined || schema.const !== undefined) return true;
  if (typeof format === 'string' && /^(?:date|time|date-time|duration)$/.test(format)) return true;
  const choices = [anyOf, oneOf].flatMap((each) => (Array.isArray(each) ? each.filter(isJsonObject) : []));
  const notNull = choices.filter((choice) => choice.type !== 'null');
  if (notNull.length > 0) return notNull.every(isMeasure);
  const types = (Array.isArray(type) ? type : [type]).filter((each) => each !== 'null');
  return types.length > 0 && types.every((each) => each === 'number' || each === 'integer' || each === 'boolean');
}

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

const PROOFS = [
  'otp',
  'totp',
  'one time password',
  'verification code',
  'confirmation code',
  'captcha',
  'nonce',
  'csrf',
];

const IDENTIFIERS = set('id ids uuid guid key keys number numbers no ref sha slug handle');

/** Whom or what it reaches. */
const PLACES = set(`
  recipient recipients to cc bcc email emails mail user users username usernames account accounts iban participant
  participants attendee attendees member members assignee assignees invitee invitees owner customer contact contacts
  payee beneficiary url urls uri uris link links website domain host hostname endpoint webhook path paths file files
  filename dir directory folder source destination target channel channels room chat conversation thread group groups
  team project repo repository branch table database bucket queue topic board event issue calendar workspace org
  organization organisation tenant namespace service device`);

/** Whom or what it reaches even where it stands within something that is carried. */
const REACHED = set(`
  recipient recipients to cc bcc email emails participant participants attendee attendees assignee assignees invitee
  invitees payee beneficiary account accounts iban channel channels webhook destination`);

const CONTENT = set(`
  subject body content contents text texts message messages title description summary comment comments note notes reason
  detail details caption instructions markdown html prompt feedback abstract bio explanation attachments query memo remark
  remarks agenda headline greeting`);

/** What is a text to some operations, and the name of one to others. */
const EITHER = set('message messages comment comments note notes attachment attachments');

const MEETING_PLACES = set('location place venue where');

const MEASURES = set(`
  amount quantity count limit offset page size total price cost rating score priority sort format currency language locale
  timezone recurring recurrence frequency interval width height depth`);

const TIMES = set(`
  date dates datetime time times timestamp day days week weeks month months year years hour hours minute minutes duration
  deadline until since`);

/** As the last word: when something is. */
const WHEN = set('start starts begin begins end ends when');

const SUMS = set('amount sum price total');
