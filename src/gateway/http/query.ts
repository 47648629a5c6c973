import { InvalidRequest } from '../../core/errors.ts';
import { decodeStrictly } from './request-target.ts';

/** RFC 3986, section 3.4, without `;`, which divides a query for some servers. */
const ALLOWED = /^(?:[\w~!$'()*+,:@/?.&=-]|%[0-9A-Fa-f]{2})*$/;

/** The forms of fields that look other than they are to a server which decodes, cuts or renames them: none is needed. */
// eslint-disable-next-line no-control-regex -- a control character is exactly what is refused here
const NAME = /^[^\u0000-\u0020\u007f]+$/;

/**
 * The fields of a query or of a form (`application/x-www-form-urlencoded`), each name once. A `+` is a blank, as nearly all
 * servers read it.
 *
 * @throws InvalidRequest
 */
export function readFields(text: string, what: string): Record<string, string> {
  if (!ALLOWED.test(text)) {
    throw new InvalidRequest(`${what} has a character that has to be encoded, or a \`;\`, which divides it for some`);
  }
  const fields: [string, string][] = [];
  const names = new Set<string>();
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=');
    const name = decodeField(equals === -1 ? pair : pair.slice(0, equals), what);
    const value = equals === -1 ? '' : decodeField(pair.slice(equals + 1), what);
    if (!NAME.test(name)) throw new InvalidRequest(`${what} has a field without a name`);
    if (names.has(name)) throw new InvalidRequest(`${what} has \`${name}\` more than once`);
    names.add(name);
    fields.push([name, value]);
  }
  // `fromEntries` defines own members, so that a field named `__proto__` stays data.
  return Object.fromEntries(fields);
}

function decodeField(text: string, what: string): string {
  return decodeStrictly(text.includes('+') ? text.replaceAll('+', '%20') : text, what);
}

/** @throws InvalidRequest for a parameter that the operation does not have. */
export function readQuery(query: string | null, allowed: readonly string[]): Record<string, string> {
  if (query === null) return {};
  const fields = readFields(query, 'the query');
  const unknown = Object.keys(fields).find((name) => !allowed.includes(name));
  if (unknown === undefined) return fields;
  throw new InvalidRequest(`the operation has no query parameter \`${unknown}\``);
}
