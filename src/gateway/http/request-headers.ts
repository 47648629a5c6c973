import { InvalidRequest } from '../../core/errors.ts';

/** The headers of a request as they came, by name in lower case. */
export type RequestHeaders = ReadonlyMap<string, readonly string[]>;

export function headersOf(raw: readonly string[]): RequestHeaders {
  const headers = new Map<string, string[]>();
  for (let place = 0; place < raw.length; place += 2) {
    const name = raw[place]!.toLowerCase();
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [raw[place + 1]!]);
    else known.push(raw[place + 1]!);
  }
  return headers;
}

/** How a body is framed: its length, or in chunks. */
export type Framing = { kind: 'none' } | { kind: 'length'; bytes: number } | { kind: 'chunked' };

/** What says that the request is another than it seems: to frameworks, rewriting servers and caches. */
const OVERRIDES = [
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-original-uri',
  'x-rewrite-url',
  'x-override-url',
  'x-host',
  'http2-settings',
  'content-encoding',
  'content-range',
  'trailer',
  'upgrade',
  'proxy-connection',
] as const;

/** Hop-by-hop headers may only name these, which change nothing about the message (RFC 9110, section 7.6.1). */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(['keep-alive', 'close', 'te']);

/** Of these there has to be one at most: which one counts differs between servers. */
const ONCE = [
  'host',
  'content-type',
  'content-length',
  'transfer-encoding',
  'authorization',
  'dpop',
  'expect',
] as const;

/**
 * How the body is framed, when nothing about the headers could be read in two ways.
 *
 * @throws InvalidRequest
 */
export function checkHeaders(headers: RequestHeaders): Framing {
  for (const name of ONCE) {
    if ((headers.get(name)?.length ?? 0) > 1)
      throw new InvalidRequest(`the header \`${name}\` is there more than once`);
  }
  for (const name of OVERRIDES) {
    if (headers.has(name)) throw new InvalidRequest(`the header \`${name}\` is not taken`);
  }
  for (const option of (headers.get('connection') ?? []).join(',').split(',')) {
    const name = option.trim().toLowerCase();
    if (name !== '' && !CONNECTION_OPTIONS.has(name)) {
      throw new InvalidRequest('`Connection` names a header; nothing is taken out of a request on the way');
    }
  }
  const expected = headers.get('expect')?.[0];
  if (expected !== undefined && expected.toLowerCase() !== '100-continue') {
    throw new InvalidRequest('nothing but `100-continue` is taken in `Expect`');
  }
  return framingOf(headers);
}

/** RFC 9112, section 6.3. The parser has refused most of this already; that it has is not relied upon. */
function framingOf(headers: RequestHeaders): Framing {
  const length = headers.get('content-length')?.[0];
  const coding = headers.get('transfer-encoding')?.[0];
  if (length !== undefined && coding !== undefined) {
    throw new InvalidRequest('`Content-Length` and `Transfer-Encoding` exclude each other');
  }
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw new InvalidRequest('the transfer coding is not `chunked`');
    return { kind: 'chunked' };
  }
  if (length === undefined) return { kind: 'none' };
  if (!/^(?:0|[1-9]\d{0,15})$/.test(length)) throw new InvalidRequest('`Content-Length` is not a number');
  return length === '0' ? { kind: 'none' } : { kind: 'length', bytes: Number(length) };
}

/**
 * Sent on as they are: what kind of answer is wanted, and on what condition. None of them widens what is done. `Range` is
 * not among them (INVARIANT 7): of a secret that comes back in two parts neither is found. An operation may declare it.
 */
const PASSED_ON = [
  'accept',
  'accept-language',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'last-event-id',
] as const;

/** Printable ASCII (RFC 9110, section 5.5): the rest is read in different ways. */
const VALUE = /^[\x20-\x7e\t]*$/;

/**
 * The headers of a request that go on: those that are arguments, and those that are passed on. Every other one stays here,
 * and so does what a caller shows to Remit.
 *
 * @throws InvalidRequest
 */
export function selectHeaders(
  headers: RequestHeaders,
  declared: readonly string[],
): { args: Record<string, string>; passed: Record<string, string> } {
  return { args: pick(headers, declared), passed: pick(headers, PASSED_ON) };
}

function pick(headers: RequestHeaders, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const values = headers.get(name);
    if (values === undefined) continue;
    const [value] = values;
    if (values.length > 1 || value === undefined)
      throw new InvalidRequest(`the header \`${name}\` is there more than once`);
    if (!VALUE.test(value))
      throw new InvalidRequest(`the header \`${name}\` has a character other than printable ASCII`);
    picked[name] = value;
  }
  return picked;
}
