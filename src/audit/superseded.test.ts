import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NOW } from '../../test/fixtures/task.ts';
import { eventRecord, FakeLog } from './fake-log.ts';
import { createKeySeal } from '../keys/key-seal.ts';
import { loadOrCreateSigningKey } from './signing-key.ts';
import { openTree } from './tree.ts';
import { verifyLog } from './verify.ts';

test('a changed byte of a partial tile that was superseded is detected too', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'remit-superseded-'));
  const log = new FakeLog();
  const signer = await loadOrCreateSigningKey(join(dir, 'key'), 'test', {
    seal: await createKeySeal(null),
    recordEncrypted: async () => {},
  });
  const tree = await openTree({ log, dir: join(dir, 'log'), origin: 'test', signer, clock: () => NOW });
  for (const id of [1, 2, 3]) {
    await log.append([eventRecord(id)]);
    await tree.flush();
  }
  // A copy of a log that is being written: the files of the checkpoint before the last are still there.
  const copy = join(dir, 'copy');
  cpSync(join(dir, 'log'), copy, { recursive: true });
  await tree.close();
  const vkey = readFileSync(join(copy, 'log.pub'), 'utf8');
  expect(verifyLog(copy, vkey)).toMatchObject({ ok: true, size: 3 });
  const older = join(copy, 'tile', 'entries', '000.p', '2');
  expect(readdirSync(join(copy, 'tile', 'entries', '000.p'))).toContain('2');
  const bytes = readFileSync(older);
  bytes[bytes.length - 3]! ^= 1;
  writeFileSync(older, bytes);
  expect(verifyLog(copy, vkey)).toMatchObject({ ok: false, problem: expect.stringContaining('000.p/2') });
  rmSync(dir, { recursive: true });
});
