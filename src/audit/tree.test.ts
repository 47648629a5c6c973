import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../core/checkpoint.ts';
import { verifyConsistency } from '../core/merkle.ts';
import { formatVerifierKey } from '../core/note.ts';
import { ed25519Signer, noteCrypto, sha256 } from './ed25519.ts';
import { eventRecord, eventRecords, FakeLog } from './fake-log.ts';
import { formatProof } from './proof-file.ts';
import { openTree, type TreeOptions, type TreeProblem } from './tree.ts';
import { verifyLog, verifyProof } from './verify.ts';

const origin = 'remit.example/log';
const signer = ed25519Signer(origin, generateKeyPairSync('ed25519').privateKey);
const vkey = formatVerifierKey(signer.key);
const root = mkdtempSync(join(tmpdir(), 'remit-tree-'));
afterAll(() => rmSync(root, { recursive: true }));

const newDir = () => join(mkdtempSync(join(root, 'case-')), 'log');
// The interval is long, so that only `flush` and `close` publish.
const optionsFor = (log: FakeLog, dir: string, more: Partial<TreeOptions> = {}): TreeOptions => ({
  log,
  dir,
  origin,
  signer,
  clock: () => 1000,
  intervalMs: 3_600_000,
  ...more,
});
const logOf = async (size: number) => {
  const log = new FakeLog();
  await log.append(eventRecords(0, size));
  return log;
};
const stated = (text: string | null) => {
  const opened = openCheckpoint(text!, signer.key, noteCrypto);
  if (opened.status !== 'signed') throw new Error(opened.problem);
  return opened.checkpoint;
};
const onDisk = (dir: string) => readFileSync(join(dir, 'checkpoint'), 'utf8');
const files = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();

describe('publishing', () => {
  test('an empty log has a checkpoint', async () => {
    const dir = newDir();
    const tree = await openTree(optionsFor(new FakeLog(), dir));
    await tree.close();
    expect(stated(onDisk(dir)).size).toBe(0);
    expect(verifyLog(dir, vkey)).toMatchObject({ ok: true, size: 0 });
    expect(files(dir)).toEqual(['checkpoint', 'log.pub']);
    expect(readFileSync(join(dir, 'log.pub'), 'utf8')).toBe(`${vkey}\n`);
  });

  test('follows the database by itself', async () => {
    const log = new FakeLog();
    const dir = newDir();
    const tree = await openTree(optionsFor(log, dir, { intervalMs: 1 }));
    await log.append(eventRecords(0, 3));
    while (tree.status().size < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(stated(onDisk(dir)).size).toBe(3);
    expect(tree.status()).toEqual({ size: 3, publishedAt: 1000, problem: null });
    await tree.close();
  });

  test('keeps the partial tiles of the newest checkpoint and the one before it, and after the end only the newest', async () => {
    const log = new FakeLog();
    const dir = newDir();
    const tree = await openTree(optionsFor(log, dir));
    for (let size = 1; size <= 3; size++) {
      await log.append([eventRecord(size - 1)]);
      await tree.flush();
    }
    expect(files(dir).filter((file) => file.startsWith('tile'))).toEqual([
      'tile/0/000.p/2',
      'tile/0/000.p/3',
      'tile/entries/000.p/2',
      'tile/entries/000.p/3',
    ]);
    await log.append(eventRecords(3, 256));
    await tree.close();
    const full = ['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000'];
    expect(files(dir)).toEqual(['checkpoint', 'log.pub', ...full]);
  });

  test('every record of a log across several tiles is proven to the holder of the public key', async () => {
    const log = await logOf(600);
    const dir = newDir();
    const tree = await openTree(optionsFor(log, dir));
    await log.append(eventRecords(600, 601));
    for (const index of [...Array(601).keys()].reverse()) {
      const report = verifyProof(formatProof(await tree.proveInclusion(index)), vkey);
      expect(report).toMatchObject({ ok: true, index, size: 601, entry: log.texts[index] });
    }
    for (const index of [601, -1, 0.5]) {
      await expect(tree.proveInclusion(index)).rejects.toMatchObject({ code: 'not_found' });
    }
    await tree.close();
  });

  test('each checkpoint is proven to continue each earlier one', async () => {
    const log = new FakeLog();
    const tree = await openTree(optionsFor(log, newDir()));
    const kept = [stated(tree.checkpoint())];
    for (const size of [1, 2, 7, 255, 256, 300, 513]) {
      await log.append(eventRecords(log.size(), size));
      await tree.flush();
      const now = stated(tree.checkpoint());
      for (const old of kept) {
        const path = tree.proveConsistency(old.size);
        const claim = { oldSize: old.size, oldRoot: old.root, size: now.size, root: now.root, path };
        expect(verifyConsistency(claim, sha256)).toBe(true);
      }
      kept.push(now);
    }
    expect(() => tree.proveConsistency(514)).toThrow('the signed log of 513 records has no tree of 514');
    await tree.close();
  });

  test('66,000 records, in one go', { timeout: 60_000 }, async () => {
    const log = await logOf(66_000);
    const dir = newDir();
    const tree = await openTree(optionsFor(log, dir));
    expect(verifyProof(formatProof(await tree.proveInclusion(65_536)), vkey)).toMatchObject({ ok: true });
    await tree.close();
    expect(verifyLog(dir, vkey)).toMatchObject({ ok: true, size: 66_000 });
    const before = onDisk(dir);
    // A start that compares only the newest records comes to the same end.
    await log.append([eventRecord(66_000)]);
    await (await openTree(optionsFor(log, dir, { checkLast: 300 }))).close();
    expect(verifyLog(dir, vkey, { since: before })).toMatchObject({ ok: true, size: 66_001, since: 66_000 });
    const tile = readFileSync(join(dir, 'tile/1/000'));
    writeFileSync(join(dir, 'tile/1/000'), tile.with(8191, tile[8191]! ^ 1));
    expect(verifyLog(dir, vkey)).toEqual({
      ok: false,
      index: 0,
      problem: '`tile/1/000` is not made of the tiles below it (from record 0 on)',
    });
  });
});

test('any batches with crashes between and within them end as a straight run does', async () => {
  const batch = fc.record({
    records: fc.integer({ min: 0, max: 300 }),
    flush: fc.boolean(),
    crash: fc.boolean(),
    lost: fc.array(fc.nat(), { maxLength: 3 }),
    checkLast: fc.constantFrom(0, 10, 65_536),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 6 }), async (batches) => {
      const log = new FakeLog();
      const dir = newDir();
      let tree = await openTree(optionsFor(log, dir));
      for (const { records, flush, crash, lost, checkLast } of batches) {
        await log.append(eventRecords(log.size(), log.size() + records));
        if (flush) await tree.flush();
        if (!crash) continue;
        // The tree in memory is thrown away, and some files never reached the disk, or only in part.
        const present = files(dir);
        for (const n of lost) {
          const file = join(dir, present[n % present.length]!);
          if (n % 2 === 0) rmSync(file, { force: true });
          else writeFileSync(file, existsSync(file) ? readFileSync(file).subarray(0, n % 40) : '');
        }
        tree = await openTree(optionsFor(log, dir, { checkLast: lost.length > 0 ? 65_536 : checkLast }));
      }
      await tree.close();
      const straight = newDir();
      await (await openTree(optionsFor(log, straight))).close();
      expect(onDisk(dir)).toBe(onDisk(straight));
      expect(verifyLog(dir, vkey)).toMatchObject({ ok: true, size: log.size() });
    }),
    { numRuns: 12 },
  );
});

describe('a start refuses what is evidence', () => {
  const closedLog = async (size: number) => {
    const log = await logOf(size);
    const dir = newDir();
    await (await openTree(optionsFor(log, dir))).close();
    return { log, dir };
  };

  test('a database that lost records', async () => {
    const { log, dir } = await closedLog(300);
    const before = onDisk(dir);
    log.texts.pop();
    await expect(openTree(optionsFor(log, dir))).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('the database holds 299 records and the checkpoint') as string,
    });
    expect(onDisk(dir)).toBe(before);
  });

  test.each([0, 257, 299])('a database that changed record %i, and that has grown since', async (index) => {
    const { log, dir } = await closedLog(300);
    log.texts[index] = log.texts[index]!.replace('"time":', '"time":9');
    await log.append(eventRecords(300, 310));
    const refusal = expect.stringContaining(`(record ${index} is the first that differs)`) as string;
    await expect(openTree(optionsFor(log, dir))).rejects.toMatchObject({ code: 'conflict', message: refusal });
    rmSync(join(dir, 'tile'), { recursive: true });
    await expect(openTree(optionsFor(log, dir))).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a folder that another key signed', async () => {
    const { log, dir } = await closedLog(3);
    const stranger = ed25519Signer(origin, generateKeyPairSync('ed25519').privateKey);
    await expect(openTree(optionsFor(log, dir, { signer: stranger }))).rejects.toMatchObject({ code: 'conflict' });
    await expect(openTree(optionsFor(log, dir, { origin: 'another' }))).rejects.toMatchObject({
      code: 'invalid_config',
    });
  });

  test('a checkpoint that cannot be read', async () => {
    const { log, dir } = await closedLog(3);
    rmSync(join(dir, 'checkpoint'));
    // A folder in its place cannot be read by any user, root included.
    mkdirSync(join(dir, 'checkpoint'));
    await expect(openTree(optionsFor(log, dir))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a start repairs what is derived', () => {
  test.each([
    ['the checkpoint is garbage', (dir: string) => writeFileSync(join(dir, 'checkpoint'), 'garbage')],
    ['the checkpoint is not UTF-8', (dir: string) => writeFileSync(join(dir, 'checkpoint'), Uint8Array.of(255, 10))],
    ['the tiles are gone', (dir: string) => rmSync(join(dir, 'tile'), { recursive: true })],
    ['a bundle below the checked records is gone', (dir: string) => rmSync(join(dir, 'tile/entries/000'))],
    ['a tile below the checked records is short', (dir: string) => writeFileSync(join(dir, 'tile/0/001'), 'short')],
    [
      'a tile of the right edge is another',
      (dir: string) => writeFileSync(join(dir, 'tile/1/000.p/2'), Buffer.alloc(64)),
    ],
    ['the public key is gone', (dir: string) => rmSync(join(dir, 'log.pub'))],
  ])('%s', async (_, damage) => {
    const log = await logOf(600);
    const dir = newDir();
    await (await openTree(optionsFor(log, dir))).close();
    const whole = files(dir);
    const before = onDisk(dir);
    damage(dir);
    await (await openTree(optionsFor(log, dir, { checkLast: 50 }))).close();
    expect(files(dir)).toEqual(whole);
    expect(onDisk(dir)).toBe(before);
    expect(verifyLog(dir, vkey)).toMatchObject({ ok: true, size: 600 });
  });
});

describe('what cannot be written', () => {
  test('is reported and tried again, and the process lives', async () => {
    const log = await logOf(2);
    const dir = newDir();
    // A file stands where the folder must be: no user, root included, can write below it.
    writeFileSync(dir, 'in the way');
    const problems: TreeProblem[] = [];
    const tree = await openTree(
      optionsFor(log, dir, { intervalMs: 1, onProblem: (problem) => problems.push(problem) }),
    );
    expect(tree.checkpoint()).toBeNull();
    expect(problems[0]).toMatchObject({ kind: 'not_written' });
    await expect(tree.proveInclusion(1)).rejects.toMatchObject({ code: 'unavailable' });
    rmSync(dir);
    while (tree.status().size < 2 || tree.status().problem !== null)
      await new Promise((resolve) => setTimeout(resolve, 1));
    expect(tree.status().problem).toBeNull();
    await tree.close();
    expect(verifyLog(dir, vkey)).toMatchObject({ ok: true, size: 2 });
  });

  test.skipIf(process.getuid?.() === 0)('a read-only folder', async () => {
    const log = await logOf(2);
    const dir = newDir();
    const tree = await openTree(optionsFor(log, dir));
    chmodSync(dir, 0o500);
    await log.append([eventRecord(2)]);
    expect(await tree.flush()).toBe(false);
    chmodSync(dir, 0o700);
    expect(await tree.flush()).toBe(true);
    await tree.close();
  });

  test('a failure in the middle of a long batch loses and repeats nothing', async () => {
    const log = await logOf(100);
    const dir = newDir();
    const tree = await openTree(optionsFor(log, dir));
    // The second full bundle cannot be put in its place.
    mkdirSync(join(dir, 'tile/entries/001/x'), { recursive: true });
    await log.append(eventRecords(100, 700));
    expect(await tree.flush()).toBe(false);
    expect(stated(onDisk(dir)).size).toBe(100);
    await log.append(eventRecords(700, 900));
    rmSync(join(dir, 'tile/entries/001'), { recursive: true });
    expect(await tree.flush()).toBe(true);
    await tree.close();
    expect(verifyLog(dir, vkey)).toMatchObject({ ok: true, size: 900 });
  });

  test('a record that no bundle can hold', async () => {
    const log = await logOf(1);
    const problems: TreeProblem[] = [];
    const dir = newDir();
    const tree = await openTree(optionsFor(log, dir, { onProblem: (problem) => problems.push(problem) }));
    await log.append([eventRecord(1, { subject: { text: 'x'.repeat(65_536) } })]);
    expect(await tree.flush()).toBe(false);
    expect(problems[0]!.message).toContain('fits no bundle');
    await tree.close();
    expect(verifyLog(dir, vkey)).toMatchObject({ ok: true, size: 1 });
  });

  test('records that the database loses while the process runs are never signed over', async () => {
    const log = await logOf(5);
    const problems: TreeProblem[] = [];
    const dir = newDir();
    const tree = await openTree(optionsFor(log, dir, { onProblem: (problem) => problems.push(problem) }));
    log.texts.pop();
    expect(await tree.flush()).toBe(false);
    expect(problems.map(({ kind }) => kind)).toEqual(['lost_records']);
    await tree.close();
    expect(stated(onDisk(dir)).size).toBe(5);
    expect(await tree.flush()).toBe(false);
  });
});

test('a reader that is slower than the writer finds a wider tile', async () => {
  const log = await logOf(3);
  const dir = newDir();
  const tree = await openTree(optionsFor(log, dir));
  const kept = onDisk(dir);
  for (const size of [5, 7, 300]) {
    await log.append(eventRecords(log.size(), size));
    await tree.flush();
    const copy = newDir();
    cpSync(dir, copy, { recursive: true });
    writeFileSync(join(copy, 'checkpoint'), kept);
    expect(verifyLog(copy, vkey)).toMatchObject({ ok: true, size: 3 });
  }
  await tree.close();
});
