import { isPlaceholder } from './placeholder.ts';
import { looksDrawn, looksWorded, makeupOf, type Makeup } from './randomness.ts';
import type { NameKind } from './secret-name.ts';

/** What is no secret whatever its name: places, addresses, times, versions, names of types and files. */
const OTHER_THING =
  /^(?:[a-z][a-z0-9+.-]{1,20}:\/\/|\.{0,2}\/[\w.-]*(?:\/|$)|~\/|[A-Za-z]:\\|\d{4}-\d\d-\d\d|\d+(?:\.\d+){1,3}(?:$|[-+])|v\d+\.\d|[\w.+-]{1,64}@[\w-]+\.[\w.]{2,}$|[\w.$]{1,64}\(|\/\^|urn:|spiffe:|refs\/|#[0-9a-fA-F]{3,8}$)/;

const FILE_NAME =
  /\.(?:js|ts|css|png|jpe?g|gif|svg|ico|html?|json|ya?ml|txt|pem|crt|key|pub|jar|war|zip|gz|py|rb|go|java|md|xml|properties|conf|cfg|ini|log|sock)$/i;

/** Whether the value beside a name of this kind is a secret, rather than a placeholder, a word or another thing. */
export function isSecretValue(value: string, kind: NameKind): boolean {
  if (value.length < 6 || isPlaceholder(value) || OTHER_THING.test(value) || FILE_NAME.test(value)) return false;
  const made = makeupOf(value);
  if (made.regular * 3 > made.length) return false;
  if (kind === 'password') return isPassword(value, made);
  if (value.length < (kind === 'secret' ? 10 : 14) || !looksDrawn(value, made)) return false;
  const letters = made.lower + made.upper;
  if (letters === 0) return kind === 'secret' && made.digits >= 12 && made.others <= 1;
  return !looksWorded(made);
}

/** A person's password: some of two kinds of characters. Words alone are more often a form's or a program's text. */
function isPassword(value: string, made: Makeup): boolean {
  const letters = made.lower + made.upper;
  if (letters === 0) return made.digits >= 8;
  if (made.digits > 0) return value.length >= 8 || made.others > 0;
  if (/^[A-Za-z_$][\w$.]*$/.test(value)) return made.changes >= 3 && looksDrawn(value, made);
  return made.others > 0 && !/[()[\]{}\s]/.test(value) && value.length >= 8 && /[!@#$%^&*?+]/.test(value);
}

/** A number of an account on a chain in EIP-55's mixed capitals, or what looks like one: shown to everybody. */
export function isPublicAddress(value: string): boolean {
  return /^(?:0x)?[0-9a-fA-F]{40}$/.test(value) && /[a-f]/.test(value) && /[A-F]/.test(value);
}

/** Whether a text can hardly be anything but that: what comes of it can be read. */
export function isReadableCredentials(value: string): boolean {
  return value.length <= 512 && isBasicCredentials(value) && /^[!-9;-~]{1,64}:[ -~]{4,}$/.test(decoded(value));
}

/** Whether a text is base64 of `user:password` (RFC 7617), which is a secret however short. */
export function isBasicCredentials(value: string): boolean {
  if (value.length < 6 || isPlaceholder(value) || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(value.slice(0, 4096))) return false;
  try {
    return decoded(value).includes(':');
  } catch {
    return false;
  }
}

function decoded(value: string): string {
  return atob(value.slice(0, 4096).replaceAll('-', '+').replaceAll('_', '/'));
}
