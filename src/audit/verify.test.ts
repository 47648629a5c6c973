import { createHash, generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signCheckpoint } from '../core/checkpoint.ts';
import { formatVerifierKey, utf8, type NoteSigner } from '../core/note.ts';
import { TileEdge } from '../core/tile.ts';
import { leafHash } from '../core/merkle.ts';
import { ed25519Signer, sha256 } from './ed25519.ts';
import { decisionRecord, eventRecord, eventRecords, FakeLog, outcomeRecord } from './fake-log.ts';
import { formatProof } from './proof-file.ts';
import { openTree } from './tree.ts';
import { verifyLog, verifyProof } from './verify.ts';

const origin = 'remit.example/log';
const signer = ed25519Signer(origin, generateKeyPairSync('ed25519').privateKey);
const stranger = ed25519Signer(origin, generateKeyPairSync('ed25519').privateKey);
const vkey = formatVerifierKey(signer.key);
const root = mkdtempSync(join(tmpdir(), 'remit-verify-'));
afterAll(() => rmSync(root, { recursive: true }));

const newDir = () => join(mkdtempSync(join(root, 'case-')), 'log');
const open = (log: FakeLog, dir: string, by: NoteSigner = signer) =>
  openTree({ log, dir, origin, signer: by, clock: () => 0, intervalMs: 3_600_000 });

/** Writes a closed log of exactly these entries, whatever they are. */
async function folderOf(texts: string[], by: NoteSigner = signer): Promise<string> {
  const log = new FakeLog();
  log.texts.push(...texts);
  const dir = newDir();
  await (await open(log, dir, by)).close();
  return dir;
}

const texts = (records: Parameters<FakeLog['append']>[0]) => {
  const log = new FakeLog();
  void log.append(records);
  return log.texts;
};

describe('any change of any file is detected with the public key alone', () => {
  let whole: string;
  let names: string[];
  beforeAll(async () => {
    // Two full tiles and a partial one, of records of every kind.
    const records = Array.from({ length: 290 }, (_, i) => [decisionRecord(2 * i), outcomeRecord(2 * i + 1, 2 * i)]);
    whole = await folderOf(texts(records.flat()));
    names = readdirSync(whole, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(whole.length + 1))
      .sort();
  });

  /** Verifies the folder with the named files replaced, and puts them back. */
  function verifyWith(changes: Record<string, Uint8Array | null>) {
    const kept = Object.keys(changes).map((name) => [name, readFileSync(join(whole, name))] as const);
    try {
      for (const [name, bytes] of Object.entries(changes)) {
        if (bytes === null) rmSync(join(whole, name));
        else writeFileSync(join(whole, name), bytes);
      }
      return verifyLog(whole, vkey);
    } finally {
      for (const [name, bytes] of kept) writeFileSync(join(whole, name), bytes);
    }
  }

  test('the folder is what it should be', () => {
    expect(verifyLog(whole, vkey)).toMatchObject({
      ok: true,
      origin,
      size: 580,
      records: { decision: 290, outcome: 290, event: 0 },
    });
    expect(names).toHaveLength(9);
  });

  test('one changed byte', () => {
    fc.assert(
      fc.property(fc.nat(names.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, where, flip) => {
        const name = names[which]!;
        const bytes = Uint8Array.from(readFileSync(join(whole, name)));
        bytes[where % bytes.length]! ^= flip;
        expect(verifyWith({ [name]: bytes })).toMatchObject({ ok: false, problem: expect.any(String) as string });
      }),
      { numRuns: 150 },
    );
  });

  test('every byte of the checkpoint and of the public key', () => {
    for (const name of ['checkpoint', 'log.pub']) {
      const before = readFileSync(join(whole, name));
      for (let i = 0; i < before.length; i++) {
        const bytes = Uint8Array.from(before);
        bytes[i]! ^= 1;
        expect(verifyWith({ [name]: bytes }).ok).toBe(false);
      }
    }
  });

  test('a byte too many or too few', () => {
    for (const name of names) {
      const bytes = readFileSync(join(whole, name));
      expect([name, verifyWith({ [name]: bytes.subarray(0, -1) }).ok]).toEqual([name, false]);
      expect([name, verifyWith({ [name]: Buffer.concat([bytes, Buffer.of(0)]) }).ok]).toEqual([name, false]);
    }
  });

  test('an item too many', () => {
    for (const name of names.filter((file) => file.startsWith('tile'))) {
      const more = Buffer.concat([readFileSync(join(whole, name)), Buffer.alloc(name.includes('entries') ? 2 : 32)]);
      expect(verifyWith({ [name]: more })).toMatchObject({
        ok: false,
        problem: expect.stringContaining('does not hold exactly') as string,
      });
    }
  });

  test('a missing file; only the copy of the public key is not needed', () => {
    for (const name of names) expect([name, verifyWith({ [name]: null }).ok]).toEqual([name, name === 'log.pub']);
  });

  test('two files in each other’s place', () => {
    for (const a of names) {
      for (const b of names.filter((name) => name > a)) {
        const swapped = { [a]: readFileSync(join(whole, b)), [b]: readFileSync(join(whole, a)) };
        expect([a, b, verifyWith(swapped).ok]).toEqual([a, b, false]);
      }
    }
  });

  test('names the record that was changed', () => {
    const bytes = Buffer.from(readFileSync(join(whole, 'tile/entries/001')));
    const at = bytes.indexOf('notes/300.md');
    bytes.write('notes/301.md', at);
    expect(verifyWith({ 'tile/entries/001': bytes })).toEqual({
      ok: false,
      index: 300,
      problem: 'record 300 is not what its leaf in `tile/0/001` was made of',
    });
  });

  test('a record and its leaf changed together', () => {
    const entries = Buffer.from(readFileSync(join(whole, 'tile/entries/000')));
    entries.write('notes/9.md', entries.indexOf('notes/0.md'));
    const length = entries.readUInt16BE(0);
    const leaves = Buffer.from(readFileSync(join(whole, 'tile/0/000')));
    leaves.set(leafHash(entries.subarray(2, 2 + length), sha256));
    expect(verifyWith({ 'tile/entries/000': entries, 'tile/0/000': leaves })).toEqual({
      ok: false,
      index: 0,
      problem: '`tile/1/000.p/2` is not made of the tiles below it (from record 0 on)',
    });
  });

  test('a referee that shares no code comes to the same root', () => {
    const sha = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
    const mth = (d: Buffer[]): Buffer => {
      if (d.length === 1) return sha(Buffer.of(0), d[0]!);
      let k = 1;
      while (k + k < d.length) k += k;
      return sha(Buffer.of(1), mth(d.slice(0, k)), mth(d.slice(k)));
    };
    const all: Buffer[] = [];
    for (const name of ['tile/entries/000', 'tile/entries/001', 'tile/entries/002.p/68']) {
      let rest = readFileSync(join(whole, name));
      for (; rest.length > 0; rest = rest.subarray(2 + rest.readUInt16BE())) {
        all.push(rest.subarray(2, 2 + rest.readUInt16BE()));
      }
    }
    expect(readFileSync(join(whole, 'checkpoint'), 'utf8').split('\n').slice(0, 3)).toEqual([
      origin,
      '580',
      mth(all).toString('base64'),
    ]);
  });
});

describe('a log that is whole and still wrong', () => {
  test.each([
    ['is not in the canonical form of RFC 8785', ['{"version": 1}']],
    ['is not in the canonical form of RFC 8785', ['{"a":1,"a":2}']],
    ['is not JSON in UTF-8', ['not json']],
    ['is not JSON in UTF-8', ['']],
    ['is not JSON in UTF-8', [`${'['.repeat(30_000)}${']'.repeat(30_000)}`]],
    ['is not a record of a known kind and version', ['[]']],
    ['is not a record of a known kind and version', ['{"kind":"event","version":2}']],
    ['has no id or no time', ['{"id":7,"kind":"event","version":1}']],
    ['names no decision', ['{"id":"rec_1","kind":"outcome","time":1,"version":1}']],
    ['has the id `rec_1` of record 0', texts([eventRecord(1), eventRecord(1)])],
    ['is the outcome of `rec_9`, which is no earlier decision', texts([outcomeRecord(1, 9), decisionRecord(9)])],
    ['is the outcome of `rec_1`, which is no earlier decision', texts([eventRecord(1), outcomeRecord(2, 1)])],
  ])('a record that %s', async (problem, entries) => {
    const index = entries.length === 2 && !problem.includes('rec_9') ? 1 : 0;
    const found = verifyLog(await folderOf(entries), vkey);
    expect(found).toEqual({ ok: false, index, problem: `record ${index} ${problem}` });
  });

  test('every file made anew around a changed record, under the checkpoint that was signed before', async () => {
    const signed = readFileSync(join(await folderOf(texts(eventRecords(0, 300))), 'checkpoint'));
    const forged = await folderOf(texts([...eventRecords(0, 299), eventRecord(299, { event: 'task.ended' })]));
    writeFileSync(join(forged, 'checkpoint'), signed);
    expect(verifyLog(forged, vkey)).toEqual({
      ok: false,
      problem: 'the records do not add up to the root that the checkpoint signs',
    });
  });

  test('another key', async () => {
    const dir = await folderOf(texts(eventRecords(0, 3)), stranger);
    rmSync(join(dir, 'log.pub'));
    expect(verifyLog(dir, vkey)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('is not signed by') as string,
    });
  });

  test.each(['', 'nonsense', 'a+b+c', '/etc/passwd'])('the key %j', async (key) => {
    const found = verifyLog(await folderOf([]), key);
    expect(found).toEqual({ ok: false, problem: 'the public key is not of the form `name+keyid+base64`' });
    expect(verifyProof('', key).ok).toBe(false);
  });

  test('garbage in place of files and folders', async () => {
    const dir = await folderOf(texts(eventRecords(0, 3)));
    expect(verifyLog(join(dir, 'nowhere'), vkey)).toEqual({ ok: false, problem: '`checkpoint` is missing' });
    rmSync(join(dir, 'tile/entries'), { recursive: true });
    writeFileSync(join(dir, 'tile/entries'), 'a file');
    expect(verifyLog(dir, vkey)).toEqual({ ok: false, problem: '`tile/entries/000.p/3` is missing' });
    rmSync(join(dir, 'checkpoint'));
    mkdirSync(join(dir, 'checkpoint'));
    expect(verifyLog(dir, vkey).ok).toBe(false);
  });

  test('a checkpoint over a size that no file could hold', async () => {
    const dir = await folderOf([]);
    const size = Number.MAX_SAFE_INTEGER;
    writeFileSync(join(dir, 'checkpoint'), signCheckpoint({ origin, size, root: sha256(utf8('')) }, signer));
    expect(verifyLog(dir, vkey)).toEqual({ ok: false, problem: '`tile/entries/000` is missing' });
  });
});

describe('an older checkpoint that somebody kept', () => {
  const checkpointOf = (entries: string[], by: NoteSigner = signer) => {
    const edge = TileEdge.empty(sha256);
    for (const entry of entries) edge.append(leafHash(utf8(entry), sha256));
    return signCheckpoint({ origin, size: edge.size, root: edge.root() }, by);
  };
  const entries = texts(eventRecords(0, 300));

  test.each([0, 1, 255, 256, 299, 300])('of %i records is a prefix', async (size) => {
    const dir = await folderOf(entries);
    const since = checkpointOf(entries.slice(0, size));
    expect(verifyLog(dir, vkey, { since })).toMatchObject({ ok: true, size: 300, since: size });
  });

  test('is not, when history was rewritten and signed again', async () => {
    const rewritten = entries.with(3, texts([eventRecord(3, { event: 'process.stopped' })])[0]!);
    const dir = await folderOf(rewritten);
    expect(verifyLog(dir, vkey)).toMatchObject({ ok: true });
    expect(verifyLog(dir, vkey, { since: checkpointOf(entries.slice(0, 3)) })).toMatchObject({ ok: true });
    for (const size of [4, 256, 300]) {
      expect(verifyLog(dir, vkey, { since: checkpointOf(entries.slice(0, size)) })).toEqual({
        ok: false,
        problem: `the log does not continue the older checkpoint: its ${size} records differ`,
      });
    }
  });

  test('covers more than the log has', async () => {
    const dir = await folderOf(entries.slice(0, 10));
    expect(verifyLog(dir, vkey, { since: checkpointOf(entries) })).toEqual({
      ok: false,
      index: 10,
      problem: 'the log has 10 records, fewer than the 300 of the older checkpoint',
    });
  });

  test('is not one, or is of somebody else', async () => {
    const dir = await folderOf(entries);
    for (const since of ['', 'garbage', checkpointOf(entries, stranger)]) {
      const found = verifyLog(dir, vkey, { since });
      expect(found).toMatchObject({
        ok: false,
        problem: expect.stringContaining('of the older checkpoint:') as string,
      });
    }
  });
});

describe('a proof file', () => {
  let proof: string;
  beforeAll(async () => {
    const log = new FakeLog();
    await log.append([decisionRecord(0), ...eventRecords(1, 300)]);
    const tree = await open(log, newDir());
    proof = formatProof(await tree.proveInclusion(0));
    await tree.close();
  });

  test('proves its record to the holder of the public key', () => {
    expect(proof.startsWith('c2sp.org/tlog-proof@v1\nextra ')).toBe(true);
    expect(verifyProof(proof, vkey)).toMatchObject({
      ok: true,
      origin,
      index: 0,
      size: 300,
      record: decisionRecord(0),
    });
    expect(verifyProof(proof, `${vkey}\n`).ok).toBe(true);
    expect(verifyProof(proof, formatVerifierKey(stranger.key)).ok).toBe(false);
  });

  test('has no byte that can be changed, removed or repeated', () => {
    fc.assert(
      fc.property(fc.nat(proof.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
        const character = String.fromCharCode(code);
        fc.pre(proof[at] !== character);
        expect(verifyProof(proof.slice(0, at) + character + proof.slice(at + 1), vkey).ok).toBe(false);
        expect(verifyProof(proof.slice(0, at) + proof.slice(at + 1), vkey).ok).toBe(false);
        expect(verifyProof(proof.slice(0, at) + proof[at]! + proof.slice(at), vkey).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['nothing', ''],
    ['a blank', '\n\n'],
    ['no entry', 'c2sp.org/tlog-proof@v1\nindex 0\n\nlog\n'],
  ])('of %s proves nothing', (_, text) => {
    expect(verifyProof(text, vkey)).toEqual({
      ok: false,
      problem: 'the file is not a `c2sp.org/tlog-proof@v1` proof with its entry',
    });
  });
});

test('a copy of the folder elsewhere verifies: nothing in it depends on where it lies', async () => {
  const dir = await folderOf(texts(eventRecords(0, 5)));
  const copy = newDir();
  cpSync(dir, copy, { recursive: true });
  expect(verifyLog(copy, vkey)).toEqual(verifyLog(dir, vkey));
});
