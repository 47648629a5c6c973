import type { FoundSecret } from './found.ts';
import { isSecretValue } from './secret-value.ts';
import { isPlaceholder } from './placeholder.ts';

/** `user:password@` of a URL (RFC 3986 section 3.2.1); bounded, and the delimiters of a URL end it. */
const USERINFO = /:\/\/([^\s:/?#@"'`<>\\]{0,128}):([^\s/?#@"'`<>\\]{3,256})@/y;

/** Passwords in URLs and connection strings. */
export function* findUrlPasswords(text: string): Generator<FoundSecret> {
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
    USERINFO.lastIndex = at;
    const found = USERINFO.exec(text);
    if (found === null) continue;
    const [whole, user, password] = found as unknown as [string, string, string];
    if (isPlaceholder(password) || (user === password && password.length < 12)) continue;
    const end = at + whole.length - 1;
    yield { start: end - password.length, end, rule: 'url-password', certainty: 'likely' };
  }
}

/** The argument of `-u`, `--user`, quoted or not, its two halves quoted apart or together. */
const CURL_USER =
  /(?:-u|--user|--proxy-user|-U)(?:[ \t]{1,4}|=)(?:"([^"\n]{1,256})"(?::"([^"\n]{1,256})")?|'([^'\n]{1,256})'|([^\s"'`]{1,256})(?:'([^'\n]{1,256})'|"([^"\n]{1,256})")?)/y;

/** Passwords on command lines of `curl`. */
export function* findCurlPasswords(text: string): Generator<FoundSecret> {
  let at = text.indexOf('curl');
  if (at === -1) return;
  for (at = text.indexOf('-', at); at !== -1; at = text.indexOf('-', at + 1)) {
    if (!/\s/.test(text[at - 1] ?? ' ')) continue;
    CURL_USER.lastIndex = at;
    const found = CURL_USER.exec(text);
    if (found === null) continue;
    const [whole, double, apart, single, bare = '', bareSingle, bareDouble] = found;
    const credentials = double ?? single ?? bare;
    const colon = credentials.indexOf(':');
    const password = apart ?? bareSingle ?? bareDouble ?? credentials.slice(colon + 1);
    const user = colon === -1 ? credentials : credentials.slice(0, colon);
    if (apart === undefined && colon === -1) continue;
    // A key is as often the user's name, with no password after it.
    const secret = [password, user].find((one) => isSecretValue(one.replace(/^\{|\}$/g, ''), 'password'));
    if (secret === undefined) continue;
    const start = at + (secret === user ? whole.indexOf(user) : whole.lastIndexOf(secret));
    yield { start, end: start + secret.length, rule: 'curl-user', certainty: 'likely' };
  }
}
