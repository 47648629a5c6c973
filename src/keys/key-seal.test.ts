import { CompactEncrypt, decodeProtectedHeader } from 'jose';
import { expect, test } from 'vitest';
import { createKeySeal, type SealedContent } from './key-seal.ts';

const KEY = new Uint8Array(32).fill(1);
const OTHER = new Uint8Array(32).fill(2);
const from = { file: 'token.jwk', content: 'jwk+json' as const };

test('a sealed text is a compact JWE of a standard form, and opens to the same', async () => {
  const seal = await createKeySeal({ current: KEY, previous: null });
  const sealed = await seal.seal('{"d":"secret"}', 'jwk+json');
  expect(sealed.split('.')).toHaveLength(5);
  expect(sealed.split('.')[1]).toBe('');
  expect(decodeProtectedHeader(sealed)).toEqual({
    alg: 'dir',
    enc: 'A256GCM',
    cty: 'jwk+json',
    // RFC 7638 of {"k":"AQEB…","kty":"oct"}.
    kid: 'qxCHshN8PwafMF-QBPVzXD3S4bHcXL78UW4f8SjvPZg',
  });
  expect(await seal.open(`${sealed}\n`, from)).toEqual({ text: '{"d":"secret"}', current: true });
  expect(await seal.seal('{"d":"secret"}', 'jwk+json')).not.toBe(sealed);
});

test('a text of the key before is opened, and is to be sealed again', async () => {
  const before = await createKeySeal({ current: OTHER, previous: null });
  const sealed = await before.seal('x', 'jwk+json');
  const seal = await createKeySeal({ current: KEY, previous: OTHER });
  expect(await seal.open(sealed, from)).toEqual({ text: 'x', current: false });
});

test('a plain text is opened; it is to be sealed where texts are sealed', async () => {
  expect(await (await createKeySeal(null)).open('{}', from)).toEqual({ text: '{}', current: true });
  expect(await (await createKeySeal({ current: KEY, previous: null })).open('{}', from)).toEqual({
    text: '{}',
    current: false,
  });
});

test('without the key, and with another, it is said what to do', async () => {
  const sealed = await (await createKeySeal({ current: KEY, previous: null })).seal('x', 'jwk+json');
  await expect((await createKeySeal(null)).open(sealed, from)).rejects.toMatchObject({
    code: 'invalid_config',
    message: '`token.jwk` is encrypted: name the key for it in `keys.encryption`',
  });
  await expect((await createKeySeal({ current: OTHER, previous: null })).open(sealed, from)).rejects.toMatchObject({
    code: 'invalid_config',
    message:
      '`token.jwk` is encrypted with another key than `keys.encryption` gives: restore that key, or name it under `previous`',
  });
});

test('what was changed, stands for another file or is in another form is refused', async () => {
  const seal = await createKeySeal({ current: KEY, previous: null });
  const sealed = await seal.seal('x', 'jwk+json');
  const { kid } = decodeProtectedHeader(sealed);
  const encrypted = (header: object, key: Uint8Array) =>
    new CompactEncrypt(new TextEncoder().encode('x'))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'jwk+json', kid, ...header })
      .encrypt(key);
  const parts = sealed.split('.');
  const flipped = parts[3]!.startsWith('A') ? 'B' : 'A';
  const wrong: string[] = [
    [parts[0], parts[1], parts[2], flipped + parts[3]!.slice(1), parts[4]].join('.'),
    [parts[0], parts[1], parts[2], parts[3], 'AAAAAAAAAAAAAAAAAAAAAA'].join('.'),
    await seal.seal('x', 'vnd.remit.key-ring+json' satisfies SealedContent),
    await encrypted({}, OTHER),
    await encrypted({ enc: 'A128CBC-HS256' }, KEY),
  ];
  for (const text of wrong) {
    await expect(seal.open(text, from)).rejects.toThrow('`token.jwk` was changed after it was encrypted');
  }
  const unnamed = await encrypted({ kid: undefined }, KEY);
  await expect(seal.open(unnamed, from)).rejects.toThrow('encrypted with another key');
});
