/** Each pattern of a grant goes through all of it. */
const MAX_LENGTH = 8_192;

/**
 * Why a URI cannot be decided on as it stands, or `null`. It is compared with grants in exact characters, so that one
 * which an upstream may take for another (dot segments, also percent-encoded) is refused.
 */
export function uriProblem(uri: string): string | null {
  if (uri.length > MAX_LENGTH) return '`uri` is longer than a name can be';
  // eslint-disable-next-line no-control-regex -- a control character in a name is exactly what is refused here
  if (/[\u0000-\u001f\u007f-\u009f\\]/.test(uri)) return '`uri` has a control character or a backslash';
  try {
    decodeURIComponent(uri);
  } catch {
    return '`uri` has a percent sign that encodes nothing';
  }
  let decoded = uri;
  // Twice: what one side decodes once may be decoded again behind it.
  for (let round = 0; round < 3; round++) {
    if (decoded.split(/[/\\?#:]/).some((segment) => segment === '.' || segment === '..')) {
      return '`uri` has a dot segment; name the resource directly';
    }
    // As lax decoders do, byte by byte: what one of them leaves as it is does not keep it from the rest.
    decoded = decoded.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  return null;
}
