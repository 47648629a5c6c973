import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asHttp1Headers } from './http2-headers.ts';
import { checkHeaders, headersOf } from './request-headers.ts';

const USUAL = [':method', 'GET', ':scheme', 'https', ':authority', 'remit.example', ':path', '/'];

/** What the parser refuses before, and this must refuse by itself. */
test.each<[string, string[]]>([
  ['a line in a value', ['x-a', 'a\r\nx-b: c']],
  ['a NUL in a value', ['x-a', 'a\0']],
  ['a blank before a value', ['x-a', ' a']],
  ['a blank after a value', ['x-a', 'a\t']],
  ['a name in capitals', ['X-A', 'a']],
  ['a name with a colon', ['x-a:b', 'a']],
  ['a name with a line in it', ['x-a\r\nx-b', 'a']],
  ['no name', ['', 'a']],
  ['a pseudo-header twice', [':path', '/']],
  ['an unknown pseudo-header', [':protocol', 'websocket']],
  ['a late pseudo-header', ['x-a', 'a', ':late', 'b']],
  ['Connection', ['connection', 'close']],
  ['Keep-Alive', ['keep-alive', 'a']],
  ['Proxy-Connection', ['proxy-connection', 'close']],
  ['Transfer-Encoding', ['transfer-encoding', 'chunked']],
  ['Upgrade', ['upgrade', 'h2c']],
  ['TE', ['te', 'trailers, gzip']],
  ['a length without a body', ['content-length', '1']],
  ['another Host', ['host', 'remit.example:443']],
  ['more than fits', ['x-a', 'a'.repeat(16_384)]],
])('%s is refused', (_what, more) => {
  expect(() => asHttp1Headers([...USUAL, ...more], false)).toThrow();
});

test('what is there reads as over HTTP/1.1', () => {
  const more = [
    'accept',
    'a',
    'cookie',
    'a=1',
    'te',
    'trailers',
    'accept',
    'b',
    'cookie',
    'b=2',
    'host',
    'REMIT.example',
  ];
  expect(asHttp1Headers([...USUAL, ...more], true)).toEqual(
    'host,remit.example,accept,a,te,trailers,accept,b,cookie,a=1; b=2,transfer-encoding,chunked'.split(','),
  );
  expect(asHttp1Headers([...USUAL, 'content-length', '3'], true)).toEqual([
    'host',
    'remit.example',
    'content-length',
    '3',
  ]);
});

test('whatever comes is refused, or has one host, one framing and no line of its own', () => {
  const names = [
    'x-a',
    'X-A',
    'host',
    'cookie',
    'content-length',
    'transfer-encoding',
    ':path',
    ':authority',
    ':scheme',
  ];
  const name = fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 3 }));
  const value = fc.oneof(fc.constantFrom('https', '0', '1', 'remit.example', 'a\r\nb: c'), fc.string({ maxLength: 4 }));
  const fields = fc.array(fc.tuple(name, value), { maxLength: 5 });
  let taken = 0;
  fc.assert(
    fc.property(fields, fc.boolean(), (more, hasBody) => {
      let raw: string[];
      try {
        raw = asHttp1Headers([...USUAL, ...more.flat()], hasBody);
      } catch {
        return;
      }
      taken++;
      expect(raw.join('')).not.toMatch(/[\r\n\0]/);
      const headers = headersOf(raw);
      expect([...headers.keys()].filter((each) => each.startsWith(':') || each !== each.toLowerCase())).toEqual([]);
      expect(headers.get('host')).toEqual(['remit.example']);
      let framing;
      try {
        framing = checkHeaders(headers);
      } catch {
        return;
      }
      if (!hasBody) expect(framing).toEqual({ kind: 'none' });
    }),
    { numRuns: 500 },
  );
  expect(taken).toBeGreaterThan(50);
});
