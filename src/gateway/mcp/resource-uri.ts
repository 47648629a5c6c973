/**
 * Why a URI cannot be decided on as it stands, or `null`. It is compared with grants in exact characters, so that one
 * which an upstream may take for another (dot segments, also percent-encoded) is refused.
 */
export function uriProblem(uri: string): string | null {
  // eslint-disable-next-line no-control-regex -- a control character in a name is exactly what is refused here
  if (/[\u0000-\u001f\u007f-\u009f\\]/.test(uri)) return '`uri` has a control character or a backslash';
  let decoded = uri;
  // Twice: what one side decodes once may be decoded again behind it.
  for (let round = 0; round < 3; round++) {
    if (decoded.split(/[/\\?#:]/).some((segment) => segment === '.' || segment === '..')) {
      return '`uri` has a dot segment; name the resource directly';
    }
    try {
      decoded = decodeURIComponent(decoded);
    } catch {
      return round === 0 ? '`uri` has a percent sign that encodes nothing' : null;
    }
  }
  return null;
}
