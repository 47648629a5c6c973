import { eachMatch } from './matches.ts';

/** One value is written in many ways. What is found here is one way of each, to be looked up beside the text as it stands. */

const THOUSANDS = /^\d{1,3}(?:[,'’.]\d{3})+$/;
const NUMBER = /(?<![\p{L}\p{N}_.,])\d[\d,.'’]{0,30}(?![\p{L}_])/gu;

/**
 * The numbers of a text as decimals without separators: `1,000.00` as `1000`, `1.234,5` as `1234.5`.
 *
 * @param doubtful whether to give both readings of what could be two numbers, such as `1,234`; else the English one.
 */
export function numbersIn(text: string, doubtful: boolean): string[] {
  const found: string[] = [];
  eachMatch(NUMBER, text, ([run]) => {
    const literal = run.replace(/[,.'’]+$/, '');
    for (const reading of readings(literal, doubtful)) if (reading !== literal) found.push(reading);
  });
  return found;
}

/** The number that a text is, alone; `null` when it is none. */
export function numberOf(text: string): string | null {
  if (!/^\d[\d,.'’]{0,30}$/.test(text) || /[,.'’]$/.test(text)) return null;
  return readings(text, false)[0] ?? null;
}

function readings(literal: string, doubtful: boolean): string[] {
  const separators = literal.replace(/\d/g, '');
  const last = separators.at(-1);
  // A leading zero is of an identifier.
  if (last === undefined) return [literal];
  const at = literal.lastIndexOf(last);
  const [whole, fraction] = [literal.slice(0, at), literal.slice(at + 1)];
  const asFraction = isWhole(whole, last) ? [decimal(whole.replace(/\D/g, ''), fraction)] : [];
  const asThousands =
    THOUSANDS.test(literal) && new Set(separators).size === 1 ? [decimal(literal.replace(/\D/g, ''), '')] : [];
  if (last === '.') return doubtful ? [...asFraction, ...asThousands] : [...asFraction, ...asThousands].slice(0, 1);
  if (last === ',') return doubtful ? [...asThousands, ...asFraction] : [...asThousands, ...asFraction].slice(0, 1);
  return asThousands;
}

/** Whether it can stand before a decimal sign: digits, in thousands by another sign if at all. */
function isWhole(text: string, sign: string): boolean {
  return /^\d+$/.test(text) || (THOUSANDS.test(text) && !text.includes(sign));
}

function decimal(whole: string, fraction: string): string {
  const digits = whole.replace(/^0+(?=\d)/, '');
  const rest = fraction.replace(/0+$/, '');
  return rest === '' ? digits : `${digits}.${rest}`;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH =
  '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const YEAR_FIRST = /(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)/g;
const DAY_FIRST = new RegExp(`(?<!\\d)(\\d{1,2})(?:st|nd|rd|th)?(?: of)? ${MONTH}\\.?,? (\\d{4})(?!\\d)`, 'gi');
const MONTH_FIRST = new RegExp(`\\b${MONTH}\\.? (\\d{1,2})(?:st|nd|rd|th)?,? (\\d{4})(?!\\d)`, 'gi');
const BY_NUMBERS = /(?<!\d)(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?!\d)/g;

/** The dates of a text as `2026-01-31` (ISO 8601). `doubtful` as above: of `01/02/2026`, both readings or none. */
export function datesIn(text: string, doubtful: boolean): string[] {
  if (!/\d{4}/.test(text)) return [];
  const found: (string | null)[] = [];
  eachMatch(YEAR_FIRST, text, ([, year, , month, day]) => found.push(iso(year, month, day)));
  eachMatch(DAY_FIRST, text, ([, day, month, year]) => found.push(iso(year, monthNumber(month!), day)));
  eachMatch(MONTH_FIRST, text, ([, month, day, year]) => found.push(iso(year, monthNumber(month!), day)));
  eachMatch(BY_NUMBERS, text, ([, first, sign, second, year]) => {
    const dayFirst = iso(year, second, first);
    // A full stop between is written with the day first.
    const monthFirst = sign === '.' ? null : iso(year, first, second);
    if (doubtful || dayFirst === null || monthFirst === null || dayFirst === monthFirst)
      found.push(dayFirst, monthFirst);
  });
  return found.filter((date) => date !== null);
}

function monthNumber(name: string): string {
  return String(MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1);
}

function iso(year = '', month = '', day = ''): string | null {
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > 31) return null;
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

const GROUPED = /(?<![A-Za-z0-9])\+?[A-Z0-9]{2,5}(?:[ -][A-Z0-9]{1,5}){2,12}(?![A-Za-z0-9])/g;

/** Identifiers that are written in groups, as an IBAN, a card or a telephone number is, in one piece and in lower case. */
export function groupedIn(text: string): string[] {
  const found: string[] = [];
  eachMatch(GROUPED, text, ([run]) => {
    const joined = run.replace(/[ +-]/g, '');
    if (joined.length >= 8 && /\d{2}/.test(joined)) found.push(joined.toLowerCase());
  });
  return found;
}

const URL_IN_TEXT = /(?:https?:\/\/|www\.)[^\s"'<>()[\]{}|\\^`]+/gi;
const EMAIL_IN_TEXT = /[\w.+-]{1,64}@([\w-]+(?:\.[\w-]+)+)/g;

/** The parts of the URLs and e-mail addresses of a text that are values themselves: hosts, steps of paths, values of queries. */
export function addressPartsIn(text: string): string[] {
  const found: string[] = [];
  eachMatch(URL_IN_TEXT, text, ([run]) => found.push(...urlParts(run.replace(/[.,;:!?]+$/, ''))));
  eachMatch(EMAIL_IN_TEXT, text, ([, domain]) => found.push(domain!));
  return found;
}

function urlParts(url: string): string[] {
  const [address = '', query = ''] = withoutScheme(url)
    .split('#')[0]!
    .split(/\?(.*)/s);
  const [host = '', ...steps] = address.split('/').filter((step) => step !== '');
  const values = query.split('&').map((pair) => pair.slice(pair.indexOf('=') + 1));
  return [host, [host, ...steps].join('/'), ...steps, ...values].filter((part) => part !== '');
}

/** A URL as people write it: without scheme, `www.` and the stroke at its end. */
export function withoutScheme(url: string): string {
  return url
    .replace(/^(?:https?:\/\/|mailto:)/i, '')
    .replace(/^www\./i, '')
    .replace(/\/$/, '');
}
