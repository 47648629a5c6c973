import { InvalidRequest } from '../../core/errors.ts';

/** As large as the head of a request over HTTP/1.1 may be with Node, in octets as RFC 9113, section 6.5.2, counts them. */
export const MAX_HEADER_LIST = 16 * 1024;

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** RFC 9113, section 8.2.1: no NUL, CR or LF anywhere, no blank around it. */
// eslint-disable-next-line no-control-regex -- a control character is exactly what is refused here
const VALUE = /^(?![\t ])[^\u0000\r\n]*(?<![\t ])$/;
const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path']);
/** RFC 9113, section 8.2.2. */
export const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);
/** Of a field: RFC 9113, section 6.5.2. */
const OVERHEAD = 32;

/**
 * The header fields of a request over HTTP/2 as the same request would have them over HTTP/1.1 (RFC 9113, section 8.3.1), names
 * and values in turn: `:authority` is `host`, the crumbs of a cookie are one, and a body of unstated length is chunked. What
 * RFC 9113 calls malformed is refused here, whatever the parser has refused already.
 *
 * @param hasBody whether the stream went on after its header fields.
 * @throws InvalidRequest
 */
export function asHttp1Headers(raw: readonly string[], hasBody: boolean): string[] {
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  const crumbs: string[] = [];
  const hosts: string[] = [];
  let length: string | undefined;
  let size = 0;
  for (let place = 0; place + 1 < raw.length; place += 2) {
    const [name, value] = [raw[place]!, raw[place + 1]!];
    size += name.length + value.length + OVERHEAD;
    if (!VALUE.test(value)) throw new InvalidRequest('a header has a character that none may have');
    if (name.startsWith(':')) {
      const isLate = fields.length + crumbs.length + hosts.length > 0;
      if (isLate || !PSEUDO.has(name) || pseudo.has(name))
        throw new InvalidRequest('a pseudo-header is unknown, late, or there more than once');
      pseudo.set(name, value);
      continue;
    }
    if (!NAME.test(name)) throw new InvalidRequest('the name of a header is not a token in lower case');
    if (OF_A_CONNECTION.has(name) || (name === 'te' && value !== 'trailers'))
      throw new InvalidRequest(`the header \`${name}\` is of a connection, and HTTP/2 has none`);
    if (name === 'cookie') crumbs.push(value);
    else if (name === 'host') hosts.push(value);
    else fields.push(name, value);
    if (name === 'content-length') length = value;
  }
  if (size > MAX_HEADER_LIST) throw new InvalidRequest(`the headers are larger than ${MAX_HEADER_LIST} bytes`);
  if (pseudo.get(':scheme') !== 'https') throw new InvalidRequest('the scheme is not `https`');
  if (!hasBody && length !== undefined && length !== '0')
    throw new InvalidRequest('`Content-Length` speaks of a body that is not there');
  return [
    ...hostOf(pseudo.get(':authority'), hosts),
    ...fields,
    ...(crumbs.length === 0 ? [] : ['cookie', crumbs.join('; ')]),
    ...(hasBody && length === undefined ? ['transfer-encoding', 'chunked'] : []),
  ];
}

/** Whoever reads only one of the two has to read the same. */
function hostOf(authority: string | undefined, hosts: readonly string[]): string[] {
  const named = authority === undefined ? hosts : [authority, ...hosts];
  if (named.some((each) => each.toLowerCase() !== named[0]?.toLowerCase()) || hosts.length > 1)
    throw new InvalidRequest('`:authority` and `Host` name different servers, or one of them more than one');
  return named[0] === undefined ? [] : ['host', named[0]];
}
