import fc from 'fast-check';
import { expect, test } from 'vitest';
import { handleOf } from '../core/lease.ts';
import { mapBase64, needlesOf } from './base64-text.ts';
import { handlesIn, swapHandles } from './handles-in.ts';
import { mask, masked } from './mask.ts';

const ID = `lse_${'a1'.repeat(12)}`;
const OTHER = `lse_${'b2'.repeat(12)}`;
const HANDLE = handleOf(ID);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64url = (text: string) => Buffer.from(text).toString('base64url');
const swap = (text: string, value = 'p/ä+"s') => swapHandles(text, (id, handle) => (id === ID ? value : handle));

/** What is encoded, wherever in its groups the handle begins and ends. */
const around = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[a-z0-9]/.test(text));

test('a handle is found and swapped in Base64 whatever stands before and behind it, in the same alphabet and padding', () => {
  const bare = (text: string) => base64(text).replace(/=+$/, '');
  fc.assert(
    fc.property(around, around, fc.string({ unit: 'grapheme', minLength: 1 }), (before, behind, value) => {
      const holds = (text: string) => `${before}${text}${behind}`;
      for (const encode of [base64, base64url]) {
        const encoded = encode(holds(HANDLE));
        expect(handlesIn({ a: [encoded] })).toEqual([ID]);
        const swapped = swap(encoded, value);
        expect(Buffer.from(swapped, encode === base64 ? 'base64' : 'base64url').toString()).toBe(holds(value));
        // Of what has no sign of its alphabet, and its length no padding, the standard one is taken.
        if (encode === base64 || /[_-]/.test(encoded) || encoded.length % 4 !== 0) {
          expect(swapped).toBe(encode(holds(value)));
        }
      }
      const unpadded = bare(holds(HANDLE));
      if (/[+/]/.test(unpadded) && unpadded.length % 4 !== 0) expect(swap(unpadded, value)).toBe(bare(holds(value)));
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['Basic credentials', `Basic ${base64(`ana:${HANDLE}`)}`, `Basic ${base64('ana:p/ä+"s')}`],
  ['another scheme', `ApiKey ${base64(`id:${HANDLE}`)}`, `ApiKey ${base64('id:p/ä+"s')}`],
  [
    'lines of headers',
    `A: b\nAuthorization: Basic ${base64(HANDLE)}\nC: d`,
    `A: b\nAuthorization: Basic ${base64('p/ä+"s')}\nC: d`,
  ],
  ['a data URL', `data:text/plain;base64,${base64(`k=${HANDLE}`)}#x`, `data:text/plain;base64,${base64('k=p/ä+"s')}#x`],
  ['two runs', `${base64(HANDLE)} and ${base64url(`?>${HANDLE}`)}`, `${base64('p/ä+"s')} and ${base64url('?>p/ä+"s')}`],
  ['as it is beside it', `${HANDLE} ${base64(HANDLE)}`, `p/ä+"s ${base64('p/ä+"s')}`],
  ['what is not of its groups before it', `x/y${base64(HANDLE)}`, `x/y${base64('p/ä+"s')}`],
  [
    'broken into lines',
    `${base64(`${'-'.repeat(40)}${HANDLE}`).replace(/.{20}/g, '$&\r\n')}\n`,
    base64(`${'-'.repeat(40)}p/ä+"s`),
  ],
])('%s', (_what, text, swapped) => {
  expect(handlesIn(text)).toEqual([ID]);
  expect(swap(text)).toBe(swapped);
});

test('what has no handle, or one of a lease that is not swapped, stays as it is, byte for byte', () => {
  for (const text of [
    base64('remit-lease-short'),
    base64(handleOf(OTHER)),
    `${base64(handleOf(OTHER))}==`,
    base64('remit-lease-').replace(/=+$/, ''),
    `remit-lease-\n${'A'.repeat(100)}`,
    `${'QUJD\n'.repeat(50)}`,
  ]) {
    expect(swap(text)).toBe(text);
  }
  expect(handlesIn({ [base64(HANDLE)]: base64(handleOf(OTHER)) })).toEqual([ID, OTHER]);
});

test('what is full of needles is looked through once', () => {
  const needle = needlesOf('remit-lease-')[0]!.characters;
  const text = `${needle} `.repeat(50_000) + base64(HANDLE);
  let calls = 0;
  mapBase64(text, needlesOf('remit-lease-'), (bytes) => {
    calls += 1;
    return bytes;
  });
  expect(calls).toBe(50_001);
  expect(handlesIn(text)).toEqual([ID]);
});

test('INVARIANT 7: a value in the Base64 of an answer is its handle again', () => {
  fc.assert(
    fc.property(
      around,
      around,
      fc.string({ unit: 'grapheme', minLength: 8, maxLength: 40 }),
      (before, behind, value) => {
        for (const encode of [base64, base64url]) {
          const hidden = mask(`said: ${encode(`${before}:${value}:${behind}`)}.`, [masked(value, HANDLE)]);
          const [, run = ''] = /^said: (.*)\.$/s.exec(hidden) ?? [];
          expect(Buffer.from(run, 'base64').toString()).toBe(`${before}:${value}:${behind}`.replaceAll(value, HANDLE));
        }
      },
    ),
    { numRuns: 100 },
  );
});
