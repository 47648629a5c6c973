/** Sealing everything anew, stopped at every point. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCredentialParts, type OpenCredentialParts } from '../../test/fixtures/credential-parts.ts';
import type { SealedKind } from '../store/ports.ts';
import { resealAll } from './reseal.ts';
import { openValue, putValue } from './sealed-value.ts';

const KINDS: SealedKind[] = ['secret', 'refresh_token', 'consent', 'task_token'];

let parts: OpenCredentialParts;
beforeEach(async () => {
  parts = await openCredentialParts();
  for (const kind of KINDS) await put(kind, `of ${kind}`);
});
afterEach(() => parts.dispose());

const put = (kind: SealedKind, value: string, version = 1) =>
  putValue({ kind, name: 'a', version, value, task: null, expiresAt: null, at: 0 }, [], parts);
const read = (kind: SealedKind) => openValue(parts.store.sealedValue(kind, 'a')!, parts.keys);
const all = () => Promise.all(KINDS.map(read));
const WHOLE = KINDS.map((kind) => `of ${kind}`);
const old = () => KINDS.filter((kind) => !parts.keys.isCurrent(parts.store.sealedValue(kind, 'a')!.sealed));

/** The store, which fails at the n-th value that is sealed anew: before it is, or after. */
function failing(at: number, when: 'before' | 'after'): typeof parts.store {
  let calls = 0;
  return {
    ...parts.store,
    reseal: async (value) => {
      calls += 1;
      if (calls !== at) return parts.store.reseal(value);
      if (when === 'after') await parts.store.reseal(value);
      throw new Error('the process died');
    },
  };
}

test.each([1, 2, 3, 4].flatMap((at) => [[at, 'before'] as const, [at, 'after'] as const]))(
  'stopped at value %i, %s it was written: everything opens, and the next start goes on',
  async (at, when) => {
    const broken = resealAll({ ...parts, store: failing(at, when), log: parts.store }, { renew: true });
    await expect(broken).rejects.toThrow('the process died');
    expect(await all()).toEqual(WHOLE);
    await resealAll({ ...parts, log: parts.store }, { renew: false });
    expect([await all(), old()]).toEqual([WHOLE, []]);
  },
);

test('what is put or removed in between is not lost, nor brought back', async () => {
  const store: typeof parts.store = {
    ...parts.store,
    reseal: async (value) => {
      if (value.kind === 'refresh_token') await put('refresh_token', 'the next one', 2);
      if (value.kind === 'consent') await parts.store.removeSealed({ kind: 'consent', name: 'a', version: 1 }, []);
      return parts.store.reseal(value);
    },
  };
  expect(await resealAll({ ...parts, store, log: parts.store }, { renew: true })).toEqual({
    resealed: 2,
    unreadable: [],
  });
  expect(await read('refresh_token')).toBe('the next one');
  expect(parts.store.sealedValue('consent', 'a')).toBeUndefined();
});

test('a value that was being put when the new key came is sealed with that one', async () => {
  const { keys } = parts;
  const { promise, resolve } = Promise.withResolvers<void>();
  let sealed = 0;
  const slow: typeof keys = {
    ...keys,
    seal: async (name, value) => {
      const text = await keys.seal(name, value);
      sealed += 1;
      if (sealed === 1) await promise;
      return text;
    },
  };
  const what = { kind: 'secret', name: 'b', version: 1, task: null, expiresAt: null, at: 0 } as const;
  const putting = putValue({ ...what, value: 'in between' }, [], { ...parts, keys: slow });
  await resealAll({ ...parts, log: parts.store }, { renew: true });
  resolve();
  expect(await putting).toBe('put');
  expect(sealed).toBe(2);
  expect(await openValue(parts.store.sealedValue('secret', 'b')!, keys)).toBe('in between');
});
