import { InvalidRequest } from '../../core/errors.ts';

/** The request target of a request to an HTTP target (RFC 9112, section 3.2.1), in its parts, nothing decoded. */
export type RequestTarget = {
  /** Name of the target. */
  target: string;
  /** What follows `/http/<target>`, as it was sent. */
  path: string;
  /** What follows `?`, as it was sent; `null` without one. */
  query: string | null;
};

const FORM = /^\/http\/([a-z][a-z0-9-]{0,62})((?:\/[^?#]*)?)(?:\?([^#]*))?$/;

/** `null` for what does not lead to an HTTP target. Absolute forms, fragments and other spellings of the prefix do not. */
export function readRequestTarget(text: string): RequestTarget | null {
  const [, target, path = '', query = null] = FORM.exec(text) ?? [];
  return target === undefined ? null : { target, path, query };
}

/** Characters of a path (RFC 3986, section 3.3) that stand for themselves, and to every server for the same. */
const PLAIN_PATH = /^(?:\/[\w~!$&'()*+,=:@.-]+)*\/?$/;
const ALLOWED = /^(?:[\w~!$&'()*+,=:@.-]|%[0-9A-Fa-f]{2})*$/;
/** `%25` before two digits would be decoded again by a server that decodes twice. */
const ENCODED_TWICE = /%25(?=[0-9A-Fa-f]{2})/;
/** RFC 3986, section 2.3: there is no need to encode these, and the two forms are the same to some and not to others. */
const NEEDLESS = /%(?:2D|2E|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/i;
/** Separators to some servers, after decoding or before: `/`, `\`, `;`. */
const SEPARATORS = /%(?:2F|5C|3B)/i;

/**
 * The segments of a path, decoded. What one server could read as another path than another does is refused: nothing is
 * normalised here, since the path is sent as it was received.
 *
 * @throws InvalidRequest
 */
export function segmentsOf(path: string): string[] {
  if (path === '') return [];
  const raw = path.slice(1).split('/');
  if (PLAIN_PATH.test(path)) return refuseDots(raw);
  return refuseDots(
    raw.map((segment, place) => {
      if (segment === '' && place < raw.length - 1) throw new InvalidRequest('the path has an empty segment');
      if (!ALLOWED.test(segment)) {
        throw new InvalidRequest(
          'the path has a character that has to be encoded, or a `;`, which divides it for some',
        );
      }
      if (SEPARATORS.test(segment)) throw new InvalidRequest('the path has an encoded separator');
      if (NEEDLESS.test(segment)) {
        throw new InvalidRequest('the path encodes a character that stands for itself; send it as it is');
      }
      if (ENCODED_TWICE.test(segment)) throw new InvalidRequest('the path is encoded twice');
      return refuseLookAlikes(decodeStrictly(segment, 'the path'));
    }),
  );
}

function refuseDots(segments: string[]): string[] {
  for (const segment of segments) {
    if (segment === '.' || segment === '..')
      throw new InvalidRequest('the path has a segment `.` or `..`; send it resolved');
  }
  return segments;
}

/** A server that normalises Unicode makes separators of these: `／` becomes `/`, `．．` becomes `..`. */
function refuseLookAlikes(segment: string): string {
  const normal = segment.normalize('NFKC');
  if (normal !== segment && (/[/\\;?#%]/.test(normal) || /^\.{1,2}$/.test(normal))) {
    throw new InvalidRequest('the path has a character that some servers take for a separator');
  }
  return segment;
}

/** @throws InvalidRequest for what is no UTF-8 (overlong forms are none), and for control characters. */
export function decodeStrictly(text: string, what: string): string {
  if (!text.includes('%')) return text;
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch (cause) {
    throw new InvalidRequest(`${what} is not encoded UTF-8`, { cause });
  }
  // eslint-disable-next-line no-control-regex -- a control character is exactly what is refused here
  if (/[\u0000-\u001f\u007f-\u009f]/.test(decoded)) throw new InvalidRequest(`${what} has a control character`);
  return decoded;
}

/** What a server that is lax about case, width and trailing dots would take a segment for. */
export function folded(segment: string): string {
  return segment
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[. ]+$/, '');
}
