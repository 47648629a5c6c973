/** Sealing everything anew, stopped at every point. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactEncrypt } from 'jose';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { createKeySeal } from '../keys/key-seal.ts';
import { sealedName } from '../keys/sealed-name.ts';
import { openSealingKeys } from '../keys/sealing-keys.ts';
import { createValueSeal } from '../lease/value-seal.ts';
import { createPromptSeal } from '../provenance/prompt-seal.ts';
import { leaseFixture, NOW, taskFixture } from '../store/conformance/fixture.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { AnySealed, SealedKind, Store } from '../store/ports.ts';
import { createResealing } from './reseal.ts';
import { putValue } from './sealed-value.ts';

const KINDS: SealedKind[] = ['secret', 'refresh_token', 'consent', 'task_token'];
const ALL: AnySealed[] = [...KINDS, 'lease', 'prompt'];
const LEASE = leaseFixture();

const root = mkdtempSync(join(tmpdir(), 'remit-reseal-'));
let folder: string;
let parts: { store: Store; keys: Awaited<ReturnType<typeof openKeys>>; log: Store };
beforeEach(async () => {
  folder = mkdtempSync(join(root, 'case-'));
  const store = await openSqliteStore({ file: join(folder, 'remit.db'), clock: () => NOW });
  parts = { store, keys: await openKeys(), log: store };
});
afterEach(() => parts.store.close());
afterAll(() => rmSync(root, { recursive: true }));

const openKeys = async () => openSealingKeys(join(folder, 'sealing.jwk'), await createKeySeal(null));

/** One of each kind. */
async function fill(sealed = { lease: seals().lease.seal(LEASE.id, 'of lease'), prompt: '' }): Promise<void> {
  for (const kind of KINDS) await put(kind, `of ${kind}`);
  const prompt = sealed.prompt === '' ? seals().prompt.seal('task_1', 'of prompt') : sealed.prompt;
  await parts.store.createTask(taskFixture(), [], null, { prompt });
  await parts.store.admit({ chain: ['task_1'], counted: true, approval: null, lease: LEASE }, []);
  const held = { ...LEASE, state: 'held' as const };
  await parts.store.saveLease({ lease: held, from: ['intended'], sealed: sealed.lease }, []);
}

const seals = () => ({
  lease: createValueSeal(parts.keys),
  prompt: createPromptSeal(parts.keys, (error) => {
    throw error;
  }),
});
const put = (kind: SealedKind, value: string, version = 1) =>
  putValue({ kind, name: 'a', version, value, task: null, expiresAt: null, at: 0 }, [], parts);
const texts = () => ALL.flatMap((kind) => parts.store.sealedTexts({ kind, after: null, limit: 9 }));
const all = () => texts().map((text) => parts.keys.open(sealedName(text), text.sealed));
const WHOLE = ALL.map((kind) => `of ${kind}`);
const old = () => texts().filter(({ sealed }) => !parts.keys.isCurrent(sealed));
const renew = (store = parts.store) => createResealing({ ...parts, store }).renew();
const goOn = () => createResealing(parts).goOn();

/** The store, which fails at the n-th value that is sealed anew: before it is, or after. */
function failing(at: number, when: 'before' | 'after'): Store {
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

test.each(ALL.flatMap((_kind, at) => [[at + 1, 'before'] as const, [at + 1, 'after'] as const]))(
  'stopped at value %i, %s it was written: everything opens, and the next start goes on',
  async (at, when) => {
    await fill();
    await expect(renew(failing(at, when))).rejects.toThrow('the process died');
    // As the next process finds it.
    parts.keys = await openKeys();
    expect(all()).toEqual(WHOLE);
    await goOn();
    expect([all(), old(), parts.keys.holdsOthers()]).toEqual([WHOLE, [], false]);
  },
);

test('what is put or removed in between is not lost, nor brought back', async () => {
  await fill();
  const store: Store = {
    ...parts.store,
    reseal: async (value) => {
      if (value.kind === 'refresh_token') await put('refresh_token', 'the next one', 2);
      if (value.kind === 'consent') await parts.store.removeSealed({ kind: 'consent', name: 'a', version: 1 }, []);
      if (value.kind === 'lease') {
        const over = { ...LEASE, state: 'revoked' as const };
        await parts.store.saveLease({ lease: over, from: ['held'] }, []);
      }
      return parts.store.reseal(value);
    },
  };
  expect(await renew(store)).toEqual({ resealed: 3, unreadable: [] });
  expect(all()).toEqual(['of secret', 'the next one', 'of task_token', 'of prompt']);
});

test('of two at once the first does not forget the key of the second, nor what is put meanwhile', async () => {
  await fill();
  const resealing = createResealing(parts);
  const putting = Array.from({ length: 30 }, (_none, n) =>
    Promise.resolve().then(() => put('secret', `v${n + 2}`, n + 2)),
  );
  await Promise.all([resealing.renew(), ...putting, resealing.renew(), resealing.goOn()]);
  expect([all(), old()]).toEqual([['v31', ...WHOLE.slice(1)], []]);
  expect((JSON.parse(readFileSync(join(folder, 'sealing.jwk'), 'utf8')) as { keys: unknown[] }).keys).toHaveLength(1);
  // A failure of one is not that of the next.
  const broken = createResealing({ ...parts, store: failing(1, 'before') });
  const outcomes = await Promise.allSettled([broken.renew(), broken.renew()]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect([all(), old()]).toEqual([['v31', ...WHOLE.slice(1)], []]);
});

test('more than a page of values is sealed anew, each once', async () => {
  for (let n = 0; n < 250; n++) {
    const name = `n${String(n).padStart(3, '0')}`;
    const kept = { kind: 'secret' as const, name, version: 1, value: name, task: null, expiresAt: null, at: 0 };
    await putValue(kept, [], parts);
  }
  expect(await renew()).toEqual({ resealed: 250, unreadable: [] });
});

/** As versions did that had a key for leases and one for prompts. */
async function formerSeals() {
  const key = () => ({ kty: 'oct', k: randomBytes(32).toString('base64url') });
  const [lease, prompt] = [key(), key()];
  writeFileSync(join(folder, 'lease.jwk'), JSON.stringify(lease), { mode: 0o600 });
  writeFileSync(join(folder, 'prompt.jwk'), JSON.stringify(prompt), { mode: 0o600 });
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(prompt.k, 'base64url'), nonce, { authTagLength: 16 });
  cipher.setAAD(Buffer.from('task_1'));
  const body = Buffer.concat([cipher.update('of prompt'), cipher.final()]);
  return {
    lease: await new CompactEncrypt(Buffer.from('of lease'))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', lease: LEASE.id })
      .encrypt(Buffer.from(lease.k, 'base64url')),
    prompt: Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url'),
  };
}

const formerFiles = () => ['lease.jwk', 'prompt.jwk'].map((name) => existsSync(join(folder, name)));

test('what an earlier version has sealed opens, is sealed anew with the start, and then its keys are gone', async () => {
  await fill(await formerSeals());
  parts.keys = await openKeys();
  expect([all(), old().map(({ kind }) => kind)]).toEqual([WHOLE, ['lease', 'prompt']]);
  // A start that died before it was through.
  const broken = createResealing({ ...parts, store: failing(2, 'before') }).goOn();
  await expect(broken).rejects.toThrow('the process died');
  expect(formerFiles()).toEqual([true, true]);
  parts.keys = await openKeys();
  expect(all()).toEqual(WHOLE);
  expect(await goOn()).toEqual({ resealed: 1, unreadable: [] });
  expect([all(), old(), formerFiles()]).toEqual([WHOLE, [], [false, false]]);
});

test('INVARIANT 14: without those keys it is said which file to restore; what does open is sealed anew all the same', async () => {
  await fill(await formerSeals());
  const former = readFileSync(join(folder, 'lease.jwk'), 'utf8');
  rmSync(join(folder, 'lease.jwk'));
  parts.keys = await openKeys();
  const restore = `lease.jwk\` is not there; restore that file from a backup, and start again`;
  expect(all).toThrow(restore);
  expect(await goOn()).toEqual({ resealed: 1, unreadable: [`lease:${LEASE.id}`] });
  writeFileSync(join(folder, 'lease.jwk'), JSON.stringify({ kty: 'oct', k: 'A'.repeat(43) }), { mode: 0o600 });
  parts.keys = await openKeys();
  expect(all).toThrow('lease.jwk` does not open it; restore that file from a backup, and start again');
  writeFileSync(join(folder, 'lease.jwk'), former, { mode: 0o600 });
  parts.keys = await openKeys();
  expect(await goOn()).toEqual({ resealed: 1, unreadable: [] });
  expect([all(), formerFiles()]).toEqual([WHOLE, [false, false]]);
});
