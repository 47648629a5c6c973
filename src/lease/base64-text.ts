/** Base64 (RFC 4648, sections 4 and 5) that stands in a text: found by what it holds, without decoding what does not. */

/** What stands in the Base64 of anything that holds a text, whatever is before and behind it. */
export type Needles = readonly {
  characters: string;
  /** How many characters before them their group of four began. */
  lead: number;
}[];

/** One for each of the three places that a text may have within a group, and each of the two alphabets. */
export function needlesOf(text: string): Needles {
  const bytes = Buffer.from(text, 'utf8');
  return [0, 1, 2].flatMap((offset) => {
    const lead = [0, 2, 3][offset]!;
    const end = Math.floor(((offset + bytes.length) * 8) / 6);
    const standard = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(lead, end);
    const url = standard.replaceAll('+', '-').replaceAll('/', '_');
    return (url === standard ? [standard] : [standard, url]).map((characters) => ({ characters, lead }));
  });
}

/**
 * The text with each run of Base64 that holds a needle decoded, changed, and encoded in the same alphabet. What a program has
 * broken into lines (RFC 2045, section 6.8) and is nothing else is one run, and goes on as one line if it is changed.
 *
 * @param change from bytes to bytes, each a character (Latin-1).
 */
export function mapBase64(text: string, needles: Needles, change: (bytes: string) => string): string {
  if (needles.some(({ characters }) => text.includes(characters))) return mapRuns(text, needles, change);
  if (!text.includes('\n') || !/^[\w+/=\r\n-]+$/.test(text)) return text;
  const flat = text.replace(/[\r\n]/g, '');
  if (!needles.some(({ characters }) => flat.includes(characters))) return text;
  const mapped = mapRuns(flat, needles, change);
  return mapped === flat ? text : mapped;
}

/** In one pass: a text may be full of needles. */
function mapRuns(text: string, needles: Needles, change: (bytes: string) => string): string {
  const leads = new Map(needles.map(({ characters, lead }) => [characters, lead]));
  const pattern = new RegExp([...leads.keys()].map((characters) => characters.replaceAll('+', '\\+')).join('|'), 'g');
  let mapped = '';
  let from = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const { index } = found;
    let start = index;
    while (start > from && isDigit(text.charCodeAt(start - 1))) start -= 1;
    let end = index + found[0].length;
    while (isDigit(text.charCodeAt(end))) end += 1;
    const digits = text.slice(start, end);
    while (text[end] === '=') end += 1;
    const group = (((index - start - leads.get(found[0])!) % 4) + 4) % 4;
    const run = { digits: digits.slice(group), padding: text.slice(start + digits.length, end) };
    // What is not of its groups stays before it.
    mapped += text.slice(from, start + group) + changed(run, change);
    from = end;
    pattern.lastIndex = end;
  }
  return mapped + text.slice(from);
}

function isDigit(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x2f && code <= 0x39) ||
    code === 0x2b ||
    code === 0x2d ||
    code === 0x5f
  );
}

function changed(run: { digits: string; padding: string }, change: (bytes: string) => string): string {
  const { digits, padding } = run;
  const bytes = Buffer.from(digits, 'base64').toString('latin1');
  const after = change(bytes);
  if (after === bytes) return digits + padding;
  const isUrl = /[_-]/.test(digits);
  const padded = padding !== '' || (digits.length % 4 === 0 && !isUrl);
  // Where nothing tells the alphabets apart, what lacks its padding is for URLs.
  const url = isUrl || (!padded && !/[+/]/.test(digits));
  const encoded = Buffer.from(after, 'latin1').toString(url ? 'base64url' : 'base64');
  const bare = encoded.replace(/=+$/, '');
  return padded ? bare.padEnd(Math.ceil(bare.length / 4) * 4, '=') : bare;
}
