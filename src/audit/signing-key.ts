import { createPrivateKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import { isKeyName, type NoteSigner } from '../core/note.ts';
import type { KeySeal, SealedContent } from '../keys/key-seal.ts';
import { createPrivateFile, readPrivateFile, removeLeftovers, stagePrivateFile } from '../keys/private-file.ts';
import { ed25519Signer } from './ed25519.ts';

const CONTENT: SealedContent = 'jwk+json';

export type SigningKeyOptions = {
  seal: KeySeal;
  /** Called before a key that was there is encrypted (anew); when it rejects, the file stays as it is. */
  recordEncrypted: () => Promise<void>;
};

/**
 * The key that signs the checkpoints of the log `origin`: an Ed25519 key, readable by its owner alone, as PKCS #8 PEM or,
 * encrypted, as a JWK. Made when the file does not exist; of several that make it at once, all get the one that came
 * first.
 *
 * @throws InvalidConfig when the origin cannot name a key, or the file is no such key, cannot be decrypted, or is open to
 *   others; Unavailable when the file cannot be read or written.
 */
export async function loadOrCreateSigningKey(
  file: string,
  origin: string,
  options: SigningKeyOptions,
): Promise<NoteSigner> {
  if (!isKeyName(origin)) {
    throw new InvalidConfig(
      `the log origin \`${origin}\` must be without spaces and \`+\`, such as \`remit.example/log\``,
    );
  }
  const { seal } = options;
  removeLeftovers(file);
  if (readPrivateFile(file) === null) {
    createPrivateFile(file, await written(generateKeyPairSync('ed25519').privateKey, seal));
  }
  const read = readPrivateFile(file);
  if (read === null) throw new Unavailable(`\`${file}\` vanished while it was being made`);
  const { text, current } = await seal.open(read.text, { file, content: CONTENT });
  const privateKey = parse(file, text);
  if (!current) await encrypt(file, privateKey, options);
  return ed25519Signer(origin, privateKey);
}

async function encrypt(file: string, key: KeyObject, { seal, recordEncrypted }: SigningKeyOptions): Promise<void> {
  const staged = stagePrivateFile(file, await written(key, seal));
  try {
    await recordEncrypted();
  } catch (error) {
    staged.discard();
    throw error;
  }
  staged.commit();
}

async function written(key: KeyObject, seal: KeySeal): Promise<string> {
  if (!seal.encrypts) return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return seal.seal(JSON.stringify(key.export({ format: 'jwk' })), CONTENT);
}

function parse(file: string, text: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = text.startsWith('{')
      ? createPrivateKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
      : createPrivateKey(text);
  } catch {
    // INVARIANT 14: the cause of a parse failure may quote the file, so it goes no further.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new InvalidConfig(`\`${file}\` is not an Ed25519 private key in PEM form: restore it from a backup`);
}
