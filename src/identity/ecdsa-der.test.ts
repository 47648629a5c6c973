import { generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ecdsaDer } from './ecdsa-der.ts';

const CURVES = [
  { curve: 'P-256', size: 32, digest: 'sha256' },
  { curve: 'P-384', size: 48, digest: 'sha384' },
] as const;

describe.each(CURVES)('signatures on $curve', ({ curve, size, digest }) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const jose = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;

  test('are good in the one form when they are in the other, whatever bytes they are of', () => {
    const bytes = fc.uint8Array({ minLength: 2 * size, maxLength: 2 * size });
    const signed = fc
      .string({ maxLength: 40 })
      .map((text) => sign(digest, Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }));
    const spoilt = fc.tuple(signed, fc.nat(2 * size - 1), fc.nat(255)).map(([signature, place, byte]) => {
      signature[place] = byte;
      return signature;
    });
    fc.assert(
      fc.property(
        fc.oneof(
          bytes.map((each) => Buffer.from(each)),
          signed,
          spoilt,
        ),
        fc.string(),
        (signature, text) => {
          const data = Buffer.from(text);
          const der = ecdsaDer(signature, size);
          expect(der).not.toBeNull();
          expect(verify(digest, data, publicKey, der!)).toBe(verify(digest, data, jose, signature));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('are good in the form of ASN.1', () => {
    for (let n = 0; n < 100; n++) {
      const data = Buffer.from([n]);
      const signature = sign(digest, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verify(digest, data, publicKey, ecdsaDer(signature, size)!)).toBe(true);
      expect(verify(digest, Buffer.from([n, n]), publicKey, ecdsaDer(signature, size)!)).toBe(false);
    }
  });

  test('of another length are none', () => {
    for (const length of [0, 1, size, 2 * size - 1, 2 * size + 1, 4 * size]) {
      expect(ecdsaDer(Buffer.alloc(length, 1), size)).toBeNull();
    }
  });
});

test('numbers have no leading zeros but the one for their sign', () => {
  const signature = Buffer.alloc(64);
  signature[31] = 0x01;
  signature[62] = 0xff;
  signature[63] = 0x02;
  expect(ecdsaDer(signature, 32)!.toString('hex')).toBe('3008' + '020101' + '020300ff02');
  expect(ecdsaDer(Buffer.alloc(64), 32)!.toString('hex')).toBe('3006' + '020100' + '020100');
  expect(ecdsaDer(Buffer.alloc(64, 0xff), 32)!.length).toBe(2 + 2 * (2 + 33));
  expect(ecdsaDer(Buffer.alloc(96, 0xff), 48)!.length).toBe(2 + 2 * (2 + 49));
});
