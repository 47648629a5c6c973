import { samePerson, type Delegator } from './party.ts';

/**
 * Who must say yes, as one `@approval("…")` says it:
 *
 *     rule    = [ count " of " ] name *( "," name ) *( ";" option )
 *     name    = a group, or a person's subject or e-mail; in single quotes where it holds a comma or semicolon
 *     option  = "acr" 1*( SP value ) / "max_age" SP seconds
 *
 * `owners`, `owners, security`, `2 of owners`, `2 of owners; acr phr phrh; max_age 300`.
 */
export type ApprovalRule = {
  /** How many different people must say yes. */
  people: number;
  /** Each of them is named by one of these. */
  names: string[];
  /** Authentication contexts of which an answer needs one (`acr_values` of RFC 9470); empty for any. */
  acrValues: string[];
  /** How long ago, in seconds, the person may have signed in when they answer (`max_age`); `null` for ever. */
  maxAgeSeconds: number | null;
};

const MAX_PEOPLE = 9;
const MAX_NAMES = 20;

/** The rule, or what is wrong with its text, to be read behind "the @approval …". */
export function readApprovalRule(text: string): { rule: ApprovalRule } | { problem: string } {
  if (/\p{Cc}/u.test(text)) return { problem: 'holds a control character; write it on one line' };
  const [who = '', ...options] = masked(text).split(';');
  const counted = /^\s*(\d+)\s+of\s+(.*)$/is.exec(who);
  const people = counted === null ? 1 : Number(counted[1]);
  if (people < 1 || people > MAX_PEOPLE) return { problem: `asks for ${people} people; ask for 1 to ${MAX_PEOPLE}` };
  const names = (counted?.[2] ?? who).split(',').map(unquoted);
  if (names.includes('')) return { problem: 'leaves a name empty; name the group or person who may approve' };
  if (names.length > MAX_NAMES) return { problem: `names more than ${MAX_NAMES}; put them in a group` };
  const rule: ApprovalRule = { people, names, acrValues: [], maxAgeSeconds: null };
  for (const option of options) {
    const problem = takeOption(rule, option.trim());
    if (problem !== null) return { problem };
  }
  return { rule };
}

/** What can stand in a list of `acr_values` in a header. */
const ACR_VALUE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

function takeOption(rule: ApprovalRule, option: string): string | null {
  const [name, ...values] = option.split(/\s+/);
  if (name === 'acr' && values.length > 0 && values.every((value) => ACR_VALUE.test(value))) {
    rule.acrValues.push(...values);
  } else if (name === 'max_age' && values.length === 1 && /^[1-9]\d{0,8}$/.test(values[0]!)) {
    rule.maxAgeSeconds = Number(values[0]);
  } else return `has an option \`${option}\`; there are \`acr VALUE…\` and \`max_age SECONDS\``;
  return null;
}

/** A quoted name: where a name begins, to where it ends. A quote within one, as in `o'neil`, is part of it. */
const QUOTED = /(?<=^\s*(?:\d+\s+of\s+)?|[,;]\s*)'[^']*'(?=\s*(?:[,;]|$))/gi;

/** Hides separators that are part of a quoted name. */
function masked(text: string): string {
  return text.replace(QUOTED, (name) => name.replace(/,/g, '\u0001').replace(/;/g, '\u0002'));
}

function unquoted(name: string): string {
  return name
    .trim()
    .replace(/^'(.*)'$/s, '$1')
    .replaceAll('\u0001', ',')
    .replaceAll('\u0002', ';');
}

/**
 * The rule of a text that a policy set was taken with.
 *
 * INVARIANT 4: a text that is none, as a damaged database could hold it, names nobody.
 */
export function approvalRule(text: string): ApprovalRule {
  const read = readApprovalRule(text);
  return 'rule' in read ? read.rule : { people: 1, names: [], acrValues: [], maxAgeSeconds: null };
}

/** Whether the rule names this person: a group, the subject or the e-mail of theirs. */
export function isNamedBy({ names }: ApprovalRule, person: Delegator): boolean {
  return names.some((name) => person.groups.includes(name) || person.subject === name || person.email === name);
}

/**
 * Those of these who count: different people, named by the rule and as strongly signed in as it asks. Accounts are of one
 * person also where a third ties them together.
 */
export function counted(rule: ApprovalRule, approvers: readonly Delegator[]): Delegator[] {
  let people: Delegator[][] = [];
  for (const person of approvers) {
    const isStrong = rule.acrValues.length === 0 || rule.acrValues.includes(person.acr ?? '');
    if (!isStrong || !isNamedBy(rule, person)) continue;
    const isOf = (accounts: Delegator[]) => accounts.some((account) => samePerson(account, person));
    people = [...people.filter((accounts) => !isOf(accounts)), [...people.filter(isOf).flat(), person]];
  }
  return people.map(([first]) => first!);
}

/** INVARIANT 8: whether as many people as the rule asks for are among these. */
export function isMet(rule: ApprovalRule, approvers: readonly Delegator[]): boolean {
  return counted(rule, approvers).length >= rule.people;
}

/** What a rule asks of the sign-in of who says yes; of several, all that each asks. */
export type StepUp = Pick<ApprovalRule, 'acrValues' | 'maxAgeSeconds'>;

/**
 * What this sign-in lacks, or `null`. An age that is not known is too old.
 *
 * @param now Milliseconds since the epoch.
 */
export function lacksStepUp(person: Pick<Delegator, 'acr' | 'authTime'>, needed: StepUp, now: number): StepUp | null {
  const { acrValues, maxAgeSeconds } = needed;
  const isStrong = acrValues.length === 0 || (person.acr !== undefined && acrValues.includes(person.acr));
  const isFresh =
    maxAgeSeconds === null ||
    (person.authTime !== undefined && Math.floor(now / 1000) - person.authTime <= maxAgeSeconds);
  return isStrong && isFresh ? null : needed;
}
