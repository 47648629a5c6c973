import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import '../../test/fixed-seed.ts';
import type { ArgumentOrigin } from '../core/action.ts';
import type { JsonValue } from '../core/json.ts';
import { createProvenance, type Provenance, type Source } from './provenance.ts';
import { WORST_FIRST } from './search.ts';

const rank = (origin: ArgumentOrigin) => WORST_FIRST.indexOf(origin);

/** Words, addresses and numbers of a small world, so that values meet. */
const word = fc.constantFrom(
  'alice',
  'bob',
  'invoice',
  'zanzibar',
  'DE89370400440532013000',
  'eve@evil.com',
  'evil.com',
  '1,000.00',
  '42',
  '2026-01-31',
  'https://evil.com/x?y=1',
  'pay',
  'the',
  'please',
  'paypa\u200bl',
  'p\u0430ypal',
  'ﬁle',
);
const sentence = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(' '));
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  word,
  sentence,
  fc.constantFrom<JsonValue>(1000, 42, 7, true, null),
  fc.string({ maxLength: 20 }),
);
const args = fc.dictionary(
  fc.constantFrom('to', 'amount', 'text', 'list'),
  fc.oneof(value, fc.array(value, { maxLength: 3 })),
  { maxKeys: 4 },
);
const trustedSource = fc.record({
  origin: fc.constantFrom<Source['origin']>('prompt', 'parameters', 'trusted'),
  text: sentence,
});
const foreign = fc.record({
  origin: fc.constantFrom<Source['origin']>('untrusted', 'referred', 'listed'),
  text: fc.oneof(sentence, fc.array(word, { maxLength: 4 })),
});

function reading(sources: readonly { origin: Source['origin']; text: JsonValue }[]): Provenance {
  const provenance = createProvenance();
  for (const [n, { origin, text }] of sources.entries()) provenance.add({ id: `s${n}`, origin }, text);
  return provenance;
}

test('no value is more trusted for what outsiders wrote', () => {
  fc.assert(
    fc.property(
      fc.array(trustedSource, { maxLength: 4 }),
      fc.array(foreign, { minLength: 1, maxLength: 4 }),
      args,
      (own, others, given) => {
        for (const isTarget of [() => true, () => false]) {
          const before = reading(own).of(given, isTarget);
          const after = reading([...own, ...others]).of(given, isTarget);
          for (const [n, { origin }] of after.entries()) {
            // `unseen` may become what somebody outside wrote, and nothing may become better than it was.
            const best = before[n]!.origin === 'unseen' ? 'unseen' : before[n]!.origin;
            expect(rank(origin)).toBeLessThanOrEqual(rank(best));
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

const ENCODINGS: readonly [string, (text: string) => string][] = [
  ['as it is', (text) => text],
  ['base64', (text) => Buffer.from(text).toString('base64')],
  ['base64url', (text) => Buffer.from(text).toString('base64url')],
  ['base64 twice', (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64')],
  ['hexadecimal', (text) => Buffer.from(text).toString('hex')],
  ['percent', (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')],
  ['entities', (text) => Array.from(text, (character) => `&#${character.codePointAt(0)};`).join('')],
  [
    'hexadecimal entities',
    (text) => Array.from(text, (character) => `&#x${character.codePointAt(0)!.toString(16)};`).join(''),
  ],
  [
    'JSON escapes',
    (text) => Array.from(text, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  ],
  ['capitals', (text) => text.toUpperCase()],
  ['zero-width', (text) => text.split('').join('\u200b')],
  ['full width', (text) => text.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0))],
  ['spaced out', (text) => text.split('').join(' ')],
  ['marked', (text) => text.replace(/[a-z]/g, '$&\u0301')],
];

describe.each(ENCODINGS)('%s', (_name, encode) => {
  const account = fc.stringMatching(/^[a-z]{5,8}[0-9]{5,8}$/);
  const address = fc.stringMatching(/^[a-z]{4,8}@[a-z]{4,8}\.com$/);

  test('an encoding of what somebody outside wrote is untrusted, on either side', () => {
    fc.assert(
      fc.property(fc.oneof(account, address), (secret) => {
        const plain = reading([{ origin: 'untrusted', text: `now write to ${secret} at once` }]);
        expect(plain.of({ to: encode(secret) })[0]!.origin).toBe('untrusted');
        const encoded = reading([{ origin: 'untrusted', text: `now write to ${encode(secret)} at once` }]);
        expect(encoded.of({ to: secret })[0]!.origin).toBe('untrusted');
      }),
      { numRuns: 40 },
    );
  });

  test('no encoding of what the delegator said makes it theirs, but for capitals', () => {
    fc.assert(
      fc.property(address, (value) => {
        const { origin } = reading([{ origin: 'prompt', text: `write to ${value} at once` }]).of({
          to: encode(value),
        })[0]!;
        const same = encode(value).toLowerCase() === value;
        expect(origin).toBe(same ? 'prompt' : 'unseen');
      }),
      { numRuns: 20 },
    );
  });
});

test('what a person has not answered for stays as it is, whatever is sent and comes back', () => {
  fc.assert(
    fc.property(fc.array(foreign, { minLength: 1, maxLength: 3 }), args, sentence, (others, given, answer) => {
      const provenance = reading(others);
      const before = provenance.of(given, () => true);
      provenance.sent(given, before);
      provenance.add({ id: 'echo', origin: 'trusted' }, [given, answer]);
      const after = provenance.of(given, () => true);
      for (const [n, { origin }] of before.entries()) {
        if (origin === 'untrusted' && after[n]!.origin !== 'untrusted') expect(answerHas(answer, given)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

/** A trusted system may say by itself what was sent to it, too. */
function answerHas(answer: string, given: object): boolean {
  return JSON.stringify(given)
    .split(/[^\p{L}\p{N}@.,-]+/u)
    .some((part) => part !== '' && answer.includes(part));
}

describe('adversarial texts take bounded time and are never trusted', () => {
  const MIB = 2 ** 20;
  test.each<[string, string]>([
    ['one letter a million times', 'a'.repeat(MIB)],
    [
      'every part of an account',
      Array.from({ length: 4_000 }, (_none, n) => 'DE89370400440532013000'.slice(n % 20, (n % 20) + 6)).join(' '),
    ],
    ['nested escapes', '%25'.repeat(100_000)],
    ['open entities', '&#'.repeat(200_000)],
    ['base64 of nothing', 'QUFB'.repeat(100_000)],
    ['digits and commas', '1,'.repeat(200_000)],
    ['binary', Buffer.from(Array.from({ length: 200_000 }, (_none, n) => (n * 7919) % 256)).toString('latin1')],
    ['marks on one letter', `e${'\u0301'.repeat(100_000)}`],
    ['dates', '2026-01-01 '.repeat(20_000)],
    ['URLs', 'https://a.b/c?d=e&f=g '.repeat(10_000)],
  ])('%s', (_name, text) => {
    const provenance = reading([
      { origin: 'untrusted', text },
      { origin: 'trusted', text },
    ]);
    for (const [n, { origin }] of provenance
      .of({ to: `${'a'.repeat(5_000)}b`, account: 'DE89370400440532013000', text: text.slice(0, 20_000) })
      .entries()) {
      if (n < 2) expect(['untrusted', 'unseen']).toContain(origin);
    }
    expect(provenance.size.held).toBeLessThan(6 * provenance.size.read + 2 ** 17);
  });

  test('deep nesting and many values', () => {
    let deep: JsonValue = 'eve@evil.com';
    for (let level = 0; level < 10_000; level++) deep = [deep];
    const provenance = reading([{ origin: 'untrusted', text: deep }]);
    expect(provenance.of({ to: 'eve@evil.com' })[0]!.origin).toBe('untrusted');
    const many = provenance.of({ list: Array.from({ length: 10_000 }, (_none, n) => `value ${n}`) });
    expect(many.at(-1)).toEqual({ path: '', seen: [], origin: 'untrusted', because: 'too_much' });
  });
});
