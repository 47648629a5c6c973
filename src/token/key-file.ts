import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { JWK } from 'jose';
import { z } from 'zod';
import { InvalidConfig } from '../core/errors.ts';
import { ringProblem, type KeyRing } from './key-ring.ts';

const keyForm = z.looseObject({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
  d: z.string(),
});
const ringForm = z.strictObject({
  version: z.literal(1),
  keys: z.array(
    z.strictObject({ jwk: keyForm, state: z.enum(['next', 'current', 'retiring']), since: z.number().int().min(0) }),
  ),
});

/**
 * The ring in `file`. A file that holds a single key, as before its first rotation, is a ring whose current key has the
 * age of the file.
 *
 * @throws InvalidConfig, which holds nothing of the file's content.
 */
export function readKeyFile(file: string): KeyRing {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const ring = ringForm.safeParse(content);
    const keys: KeyRing = ring.success
      ? ring.data.keys
      : [{ jwk: keyForm.parse(content), state: 'current', since: Math.floor(statSync(file).mtimeMs) }];
    const problem = ringProblem(keys);
    if (problem !== null) throw new Error(problem);
    return keys;
  } catch {
    // INVARIANT 14: the cause of a parse failure may quote the file, so it goes no further.
    throw unusable(file);
  }
}

export function unusable(file: string): InvalidConfig {
  return new InvalidConfig(`key file \`${file}\` cannot be used; restore it, or move it away to start with a new key`);
}

/** Of two that create it at once one key wins, and a crash leaves no half key. */
export function createKeyFile(file: string, first: JWK): void {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const aside = writeAside(file, JSON.stringify(first));
  try {
    linkSync(aside, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(aside);
  }
  syncFolder(file);
}

/** Written aside and renamed: after a crash at any point the file is the ring before or the ring after. */
export function replaceKeyFile(file: string, ring: KeyRing): void {
  const aside = writeAside(file, JSON.stringify({ version: 1, keys: ring }));
  try {
    renameSync(aside, file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  syncFolder(file);
}

function writeAside(file: string, text: string): string {
  // Not the process id: in a container that is the same after a crash, and so would be what the crash left behind.
  const aside = `${file}.${randomUUID()}`;
  const descriptor = openSync(aside, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return aside;
}

/** A rename is durable when its folder is. Windows cannot open a folder, and needs not. */
function syncFolder(file: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(dirname(file), 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
