import { isUtf8 } from 'node:buffer';
import { eachMatch } from './matches.ts';

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  commat: '@',
  period: '.',
  sol: '/',
  colon: ':',
  hyphen: '-',
  num: '#',
  lowbar: '_',
  dash: '-',
  equals: '=',
  quest: '?',
  percnt: '%',
  plus: '+',
  comma: ',',
  semi: ';',
  bsol: '\\',
  Tab: ' ',
  NewLine: ' ',
  shy: '',
  ZeroWidthSpace: '',
  zwj: '',
  zwnj: '',
};

/** How often an escape may stand within another. */
const LAYERS = 3;

/** The text with the escapes resolved that stand within it: `%40`, `&#64;`, `&commat;`, `\u0040`, `\x40`. Bounded. */
export function decodeInline(text: string): string {
  let decoded = text;
  for (let layer = 0; layer < LAYERS; layer++) {
    const before = decoded;
    if (decoded.includes('&'))
      decoded = decoded.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,14}));?/g, entity);
    if (decoded.includes('%')) decoded = decoded.replace(/(?:%[0-9a-fA-F]{2})+/g, percents);
    if (decoded.includes('\\'))
      decoded = decoded.replace(/\\u(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))|\\x([0-9a-fA-F]{2})|\\[nrt]/g, escape);
    if (decoded === before) return decoded;
  }
  return decoded;
}

function entity(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return Object.hasOwn(NAMED, name) ? NAMED[name]! : whole;
  return character(decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)) ?? whole;
}

function escape(whole: string, braced?: string, unicode?: string, byte?: string): string {
  const digits = braced ?? unicode ?? byte;
  return digits === undefined ? ' ' : (character(Number.parseInt(digits, 16)) ?? whole);
}

function character(code: number): string | undefined {
  return code > 0x10ffff ? undefined : String.fromCodePoint(code);
}

/** What is not UTF-8 is read byte by byte. */
function percents(run: string): string {
  const bytes = Buffer.from(run.replaceAll('%', ''), 'hex');
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

/** Nothing shorter says anything in code. */
const SHORTEST = 11;
const BASE64 = /[A-Za-z0-9+/_-]{11,}={0,2}/g;
/** As MIME folds it. */
const FOLDED = /^(?:[A-Za-z0-9+/]{60,76}\r?\n)+[A-Za-z0-9+/]*={0,2}/gm;
const HEX = /(?<![0-9A-Za-z])(?:(?:0x)?(?:[0-9a-fA-F]{2}){6,}|[0-9a-fA-F]{2}(?:[ :][0-9a-fA-F]{2}){5,})/g;

/**
 * The texts that stand in the text in base64 (RFC 4648, either alphabet), base64 folded over lines, or hexadecimal. Only
 * what decodes to text that can be read: a digest or an identifier does not.
 */
export function decodedTexts(text: string): string[] {
  const found: string[] = [];
  if (text.length < SHORTEST) return found;
  eachMatch(BASE64, text, ([run]) => push(found, Buffer.from(run, 'base64')));
  eachMatch(FOLDED, text, ([run]) => push(found, Buffer.from(run, 'base64')));
  eachMatch(HEX, text, ([run]) => push(found, Buffer.from(run.replace(/^0x|[ :]/g, ''), 'hex')));
  return found;
}

function push(found: string[], bytes: Buffer): void {
  if (bytes.length < 6 || !isUtf8(bytes)) return;
  const text = bytes.toString('utf8');
  const readable = text.match(/[\p{L}\p{N}\p{P}\p{Zs}\p{Sm}\n\r\t]/gu)?.length ?? 0;
  if (readable * 10 >= text.length * 9) found.push(text);
}
