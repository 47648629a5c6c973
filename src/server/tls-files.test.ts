import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createX509Authority, type Issued, type X509Authority } from '../../test/fixtures/x509-authority.ts';
import { followTlsFiles, openKeyFile, readTlsFiles, type TlsFiles } from './tls-files.ts';
import type { TlsIdentity } from './tls-server.ts';

let folder: string;
let files: TlsFiles;
let authority: X509Authority;
let first: Issued;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-tls-files-'));
  files = { certificate: join(folder, 'c.pem'), key: join(folder, 'k.pem') };
  authority = await createX509Authority('web');
  first = await authority.server('a.test');
  writeFileSync(files.certificate, first.cert);
  writeFileSync(files.key, first.key);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('certificate and key are read, and must belong together', async () => {
  expect(readTlsFiles(files)).toEqual({ cert: first.cert, key: first.key });
  const other = await authority.server('a.test');
  writeFileSync(files.key, other.key);
  expect(() => readTlsFiles(files)).toThrow(`c.pem: is not of the key in ${files.key}`);
  for (const text of ['', 'none', first.cert]) {
    writeFileSync(files.key, text);
    expect(() => readTlsFiles(files)).toThrow('expected a certificate chain and its private key, as PEM');
  }
  rmSync(files.key);
  expect(() => readTlsFiles(files)).toThrow('k.pem: cannot be read; name a PEM file under `server.tls`');
});

test('an error never quotes the key', () => {
  writeFileSync(files.certificate, first.key);
  const secret = first.key.split('\n')[1]!;
  const said = (() => {
    try {
      readTlsFiles(files);
      return '';
    } catch (error) {
      return `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`;
    }
  })();
  expect(said).toContain('expected a certificate chain');
  expect(said).not.toContain(secret);
});

test('a change is presented when it is whole; until then the last good one stays, and that is told of once', async () => {
  const presented: TlsIdentity[] = [];
  const problems: string[] = [];
  const following = followTlsFiles(
    files,
    (identity) => presented.push(identity),
    (problem) => problems.push(problem),
  );
  following.look();
  expect(presented).toEqual([]);
  const next = await authority.server('a.test');
  writeFileSync(files.certificate, next.cert);
  following.look();
  following.look();
  expect(presented).toEqual([]);
  expect(problems).toEqual([expect.stringContaining('the last good TLS certificate stays in use')]);
  writeFileSync(files.key, next.key);
  following.look();
  following.look();
  expect(presented).toEqual([{ cert: next.cert, key: next.key }]);
  rmSync(files.key);
  following.look();
  expect(presented).toHaveLength(1);
  expect(problems).toHaveLength(2);
  following.stop();
});

test.skipIf(process.platform === 'win32')(
  'a key that others can read or change is told of, one for a group is not',
  () => {
    for (const mode of [0o600, 0o400, 0o640, 0o440]) {
      chmodSync(files.key, mode);
      expect(openKeyFile(files)).toBeNull();
    }
    for (const [mode, shown] of [
      [0o644, '0644'],
      [0o604, '0604'],
      [0o660, '0660'],
      [0o666, '0666'],
    ] as const) {
      chmodSync(files.key, mode);
      expect(openKeyFile(files)).toContain(`can be read or changed by others (mode ${shown}): run \`chmod 600\` on it`);
    }
  },
);
