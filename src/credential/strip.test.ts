import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stripOf, type Strip } from './strip.ts';

const SECRET = 'canary/7+f3="a b\\é~42';
const inChunks = (strip: Strip, bytes: Uint8Array, sizes: readonly number[]): Buffer => {
  const stripper = strip.begin();
  const written: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    written.push(stripper.write(bytes.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat([...written, stripper.write(bytes.subarray(at)), stripper.end()]);
};

const htmlOf = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
const everyEscape = (text: string) => Array.from(text, (c) => (/\w/.test(c) ? c : hexEscape(c))).join('');
const hexEscape = (c: string) =>
  Array.from(c, (_c, n) => `\\u${c.charCodeAt(n).toString(16).padStart(4, '0')}`).join('');

/** As others would write it. */
const WRITTEN: [string, (secret: string) => string][] = [
  ['as it is', (secret) => secret],
  ['as JSON', (secret) => JSON.stringify({ a: secret })],
  ['as JSON with escaped slashes', (secret) => JSON.stringify(secret).replaceAll('/', '\\/')],
  ['as JSON in JSON', (secret) => JSON.stringify({ text: JSON.stringify({ a: secret }) })],
  ['as ASCII', everyEscape],
  ['as ASCII in JSON', (secret) => JSON.stringify(everyEscape(secret))],
  ['in a URL', encodeURIComponent],
  ['in a form', (secret) => new URLSearchParams({ a: secret }).toString()],
  ['in a URL, with small digits', (secret) => encodeURIComponent(secret).replace(/%../g, (hex) => hex.toLowerCase())],
  ['in a URL in a URL', (secret) => encodeURIComponent(encodeURIComponent(secret))],
  ['in HTML', htmlOf],
  ['as hex', (secret) => Buffer.from(secret).toString('hex')],
  ['as large hex', (secret) => Buffer.from(secret).toString('hex').toUpperCase()],
  ...['', 'a', 'ab', 'abc'].flatMap((before): [string, (secret: string) => string][] => [
    [`in base64, ${before.length} bytes in`, (secret) => Buffer.from(`${before}${secret}:z`).toString('base64')],
    [`in base64url, ${before.length} bytes in`, (secret) => Buffer.from(`${before}${secret}`).toString('base64url')],
  ]),
  ['in base64 in a URL', (secret) => encodeURIComponent(Buffer.from(secret).toString('base64'))],
];

test.each(WRITTEN)('a secret %s is taken out, wherever the chunks end', (_name, write) => {
  const strip = stripOf([SECRET]);
  const written = write(SECRET);
  const text = `before ${written} after, and ${written}`;
  const whole = strip.text(text);
  expect(whole).toContain('[redacted]');
  // Nothing of it is left but what base64 shares with its neighbours.
  for (let at = 0; at + 8 <= written.length; at++) {
    if (/[{}:]/.test(written.slice(at, at + 8))) continue;
    expect(whole).not.toContain(written.slice(at, at + 8));
  }
  const bytes = Buffer.from(text);
  expect(Buffer.byteLength(whole)).toBe(bytes.length);
  for (let border = 0; border <= bytes.length; border++) {
    expect(inChunks(strip, bytes, [border]).toString()).toBe(whole);
  }
  const single = bytes.length;
  expect(
    inChunks(
      strip,
      bytes,
      Array.from({ length: single }, () => 1),
    ).toString(),
  ).toBe(whole);
});

test('what holds no secret passes as it is, the same bytes and at once', () => {
  const strip = stripOf(['sk-live-0123456789', 'other-secret-value']);
  const chunk = Buffer.from('data: {"text": "sk-live-999, nothing else"}\n\n');
  const stripper = strip.begin();
  expect(stripper.write(chunk)).toBe(chunk);
  expect(stripper.end()).toHaveLength(0);
});

test('only what may be the beginning of a secret is held back', () => {
  const stripper = stripOf(['sk-live-0123456789']).begin();
  expect(Buffer.from(stripper.write(Buffer.from('abc sk-live-01'))).toString()).toBe('abc ');
  expect(Buffer.from(stripper.write(Buffer.from('2x'))).toString()).toBe('sk-live-012x');
  expect(Buffer.from(stripper.write(Buffer.from('sk-'))).toString()).toBe('');
  expect(Buffer.from(stripper.end()).toString()).toBe('sk-');
  expect(Buffer.from(stripper.write(Buffer.from('live-0123456789'))).toString()).toBe('live-0123456789');
});

test('what is taken out is as long as what was there', () => {
  const strip = stripOf(['abcdef', 'sk-live-0123456789']);
  expect(strip.text('x abcdef y')).toBe('x ****** y');
  expect(strip.text('x sk-live-0123456789 y')).toBe('x [redacted]******** y');
  expect(strip.text('abcdefabcdefabcdef')).toBe('******************');
});

test('secrets that overlap are all taken out', () => {
  expect(stripOf(['aaaaaab', 'aabaac']).text('aaaaaaaabaacd')).not.toMatch(/aab|aac/);
  expect(stripOf(['aaaaaa']).text('aaaaaaaa')).not.toContain('a');
});

test('nothing to look for, nothing done', () => {
  expect(stripOf([]).text('abc')).toBe('abc');
  expect(stripOf(['', 'ab', 'abcde']).text('abcde')).toBe('abcde');
});

test('bytes that are no text pass unchanged around a secret', () => {
  const noise = Buffer.from([0xff, 0xfe, 0, 0x80, 0xc3]);
  const out = inChunks(stripOf(['abcdef']), Buffer.concat([noise, Buffer.from('abcdef'), noise]), []);
  expect([...out]).toEqual([...noise, ...Buffer.from('******'), ...noise]);
});

test('property: no secret comes through, nothing else changes, and chunks make no difference', () => {
  // Few characters, so that beginnings of secrets are everywhere.
  const letter = fc.constantFrom('a', 'b', '"', '\\', '/', '%', 'é', '=');
  const words = (min: number, max: number) =>
    fc.array(letter, { minLength: min, maxLength: max }).map((l) => l.join(''));
  const piece = fc.oneof(
    fc.record({ text: words(0, 8), how: fc.constant(null) }),
    fc.record({ text: fc.constant(null), how: fc.nat({ max: WRITTEN.length - 1 }) }),
  );
  fc.assert(
    fc.property(
      fc.array(words(6, 10), { minLength: 1, maxLength: 3 }),
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 20 }),
      (secrets, pieces, sizes) => {
        const text = pieces.map(({ text, how }) => text ?? WRITTEN[how]![1](secrets[0]!)).join('');
        const strip = stripOf(secrets);
        const out = strip.text(text);
        expect(Buffer.byteLength(out)).toBe(Buffer.byteLength(text));
        for (const secret of secrets) {
          expect(out.includes(secret)).toBe(false);
          expect(out.includes(encodeURIComponent(secret))).toBe(false);
          expect(out.includes(JSON.stringify(secret).slice(1, -1))).toBe(false);
        }
        expect(inChunks(strip, Buffer.from(text), sizes).equals(Buffer.from(out))).toBe(true);
        // What was changed was changed to the mark.
        const [before, after] = [Buffer.from(text), Buffer.from(out)];
        for (const [n, byte] of after.entries()) {
          if (byte !== before[n]) expect('[redacted]*'.includes(String.fromCharCode(byte))).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('of many secrets each is taken out, in each form, wherever the chunks end', () => {
  const secrets = Array.from(
    { length: 300 },
    (_none, n) => `the-key-${n.toString(36)}/${'z'.repeat(n % 7)}${n * 7919}+x`,
  );
  const strip = stripOf(secrets);
  const shown = secrets.map((secret, n) => WRITTEN[n % WRITTEN.length]![1](secret));
  const whole = strip.text(shown.join(' | '));
  for (const [n, secret] of secrets.entries()) {
    expect(whole).not.toContain(secret);
    if (!/base64/.test(WRITTEN[n % WRITTEN.length]![0])) expect(whole).not.toContain(shown[n]);
  }
  expect(whole.split('[redacted]').length - 1).toBeGreaterThanOrEqual(secrets.length);
  const bytes = Buffer.from(shown.join(' | '));
  expect(
    inChunks(
      strip,
      bytes,
      Array.from({ length: bytes.length }, () => 1),
    ).toString(),
  ).toBe(whole);
});
