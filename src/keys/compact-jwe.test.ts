import { randomBytes } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decryptCompact, encryptCompact, headerOf } from './compact-jwe.ts';

const KEY = new Uint8Array(randomBytes(32));
const encoder = new TextEncoder();

test('RFC 7516: another implementation opens what is sealed here, and the other way round', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string(), async (text, name) => {
      const ours = encryptCompact(text, KEY, { kid: 'k', name });
      const { plaintext, protectedHeader } = await compactDecrypt(ours, KEY);
      expect([new TextDecoder('utf-8', { ignoreBOM: true }).decode(plaintext), protectedHeader]).toEqual([
        text,
        { alg: 'dir', enc: 'A256GCM', kid: 'k', name },
      ]);
      const theirs = await new CompactEncrypt(encoder.encode(text))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', name })
        .encrypt(KEY);
      expect(decryptCompact(theirs, KEY)).toMatchObject({ text, header: { name } });
    }),
    { numRuns: 50 },
  );
});

test('whatever was changed, cut, or says that it is something else does not open', async () => {
  const sealed = encryptCompact('the value', KEY, { kid: 'k' });
  const parts = sealed.split('.');
  const header = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const place of [0, 2, 3, 4]) {
    const cut = parts.with(place, parts[place]!.slice(0, -4));
    const other = parts.with(
      place,
      parts[place]!.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
    );
    for (const text of [cut, other]) expect(() => decryptCompact(text.join('.'), KEY)).toThrow();
  }
  const wrapped = await new CompactEncrypt(encoder.encode('x'))
    .setProtectedHeader({ alg: 'A256GCMKW', enc: 'A256GCM' })
    .encrypt(KEY);
  const others = [
    '',
    'x',
    '....',
    `${sealed}.`,
    parts.with(1, 'AAAA').join('.'),
    parts.with(0, header({ alg: 'dir', enc: 'A256GCM', crit: ['x'], x: 1 })).join('.'),
    wrapped,
  ];
  for (const text of others) expect(() => decryptCompact(text, KEY)).toThrow();
  expect(() => decryptCompact(sealed, new Uint8Array(randomBytes(32)))).toThrow();
  expect([headerOf(sealed), headerOf('x'), headerOf('eA.'), headerOf('bnVsbA.')]).toEqual([
    { alg: 'dir', enc: 'A256GCM', kid: 'k' },
    undefined,
    undefined,
    undefined,
  ]);
});
