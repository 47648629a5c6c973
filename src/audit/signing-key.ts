import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import { isKeyName, type NoteSigner } from '../core/note.ts';
import { ed25519Signer } from './ed25519.ts';

/**
 * The key that signs the checkpoints of the log `origin`: an Ed25519 key as PKCS #8 PEM, readable by its owner alone.
 * Made when the file does not exist; of several processes that make it at once, all get the one that came first.
 *
 * @throws InvalidConfig when the origin cannot name a key, or the file is no such key or is readable by others.
 * @throws Unavailable when the file cannot be read or written.
 */
export function loadOrCreateSigningKey(file: string, origin: string): NoteSigner {
  if (!isKeyName(origin)) {
    throw new InvalidConfig(
      `the log origin \`${origin}\` must be without spaces and \`+\`, such as \`remit.example/log\``,
    );
  }
  const privateKey = load(file) ?? create(file) ?? load(file);
  if (privateKey === null) throw new Unavailable(`the signing key \`${file}\` vanished while it was being made`);
  return ed25519Signer(origin, privateKey);
}

function load(file: string): KeyObject | null {
  let pem: string;
  try {
    // Windows has no such bits and reports 0o666 for every file.
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new InvalidConfig(`the signing key \`${file}\` can be read by others: run \`chmod 600\` on it`);
    }
    pem = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (cause instanceof InvalidConfig) throw cause;
    throw new Unavailable(`the signing key \`${file}\` cannot be read`, { cause });
  }
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // INVARIANT 14: the cause of a parse failure may quote the file, so it goes no further.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new InvalidConfig(`\`${file}\` is not an Ed25519 private key in PEM form: restore it from a backup`);
}

/** `null` when another process was first. */
function create(file: string): KeyObject | null {
  const { privateKey } = generateKeyPairSync('ed25519');
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    const handle = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(handle, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    throw new Unavailable(`the signing key \`${file}\` cannot be written`, { cause });
  }
  try {
    // A link, unlike a rename, never replaces a key that is already there; and the file is complete when it appears.
    linkSync(temporary, file);
    return privateKey;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw new Unavailable(`the signing key \`${file}\` cannot be written`, { cause });
  } finally {
    unlinkSync(temporary);
  }
}
