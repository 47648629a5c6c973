import { InvalidRequest } from '../../core/errors.ts';
import { findJsonHazard, type JsonValue } from '../../core/json.ts';

const MAX_DEPTH = 64;

/**
 * Parses JSON that is sent on as it stands, so that every reader has to read the same in it: strict UTF-8 without a byte
 * order mark, no number that is rounded, and no object with two members of one name, be it in another case: some readers
 * take the first, others the last, and some do not tell the case.
 *
 * @throws InvalidRequest
 */
export function parseStrictly(bytes: Uint8Array): JsonValue {
  let text: string;
  let value: JsonValue;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new InvalidRequest('the body is not JSON in UTF-8', { cause });
  }
  const hazard = findJsonHazard(value, { maxDepth: MAX_DEPTH });
  if (hazard !== null) {
    throw new InvalidRequest(`${hazard.path === '' ? 'the body' : `\`${hazard.path}\``} ${hazard.problem}`);
  }
  const twice = findTwofold(text);
  if (twice !== null) throw new InvalidRequest(`the body has the member \`${twice}\` twice in one object`);
  return value;
}

/** The first name that stands twice in one object of a JSON text, in whatever case. The text is JSON: nothing else is checked. */
function findTwofold(text: string): string | null {
  /** Names of each object that is open; `null` for a list. */
  const open: (Set<string> | null)[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push(new Set());
        isName = true;
        break;
      case 0x5b: // [
        open.push(null);
        isName = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        isName = false;
        break;
      case 0x2c: // ,
        isName = open.at(-1) !== null;
        break;
      case 0x22: {
        const end = endOfString(text, at);
        const names = open.at(-1);
        if (isName && names !== null && names !== undefined) {
          const name = JSON.parse(text.slice(at, end + 1)) as string;
          const alike = name.toLowerCase();
          if (names.has(alike)) return name;
          names.add(alike);
          isName = false;
        }
        at = end;
        break;
      }
      default:
    }
  }
  return null;
}

/** @param start of a string in a text of JSON: the place of its first quote. @returns that of its last. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes += 1;
  return slashes % 2 === 1;
}
