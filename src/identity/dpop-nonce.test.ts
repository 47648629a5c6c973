import { expect, test } from 'vitest';
import { createDpopNonces } from './dpop-nonce.ts';

const MINUTE = 60_000;

function setUp(secret = Buffer.alloc(32, 1)) {
  let now = 1_790_000_000_000;
  now -= now % (2 * MINUTE);
  const nonces = createDpopNonces({ clock: () => now, secret });
  return { nonces, pass: (ms: number) => void (now += ms) };
}

test('a nonce is good for two minutes at least and four at most, and a new one follows', () => {
  const { nonces, pass } = setUp();
  const first = nonces.current();
  expect(first).toMatch(/^[\w-]{22}$/);
  pass(2 * MINUTE - 1);
  expect(nonces.current()).toBe(first);
  pass(1);
  expect(nonces.current()).not.toBe(first);
  expect(nonces.accepts(first)).toBe(true);
  pass(2 * MINUTE);
  expect(nonces.accepts(first)).toBe(false);
});

test('nothing else is good: not the next one, not of another secret, not nonsense', () => {
  const { nonces, pass } = setUp();
  pass(2 * MINUTE);
  const next = nonces.current();
  pass(-2 * MINUTE);
  expect(nonces.accepts(next)).toBe(false);
  expect(nonces.accepts(setUp(Buffer.alloc(32, 2)).nonces.current())).toBe(false);
  for (const text of ['', 'x', nonces.current().slice(1), `${nonces.current()}A`, 'é'.repeat(22)]) {
    expect(nonces.accepts(text)).toBe(false);
  }
});
