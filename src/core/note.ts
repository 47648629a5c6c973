/**
 * C2SP signed-note: text that one or more keys signed, and the text form of their public keys. Only Ed25519 (type 1).
 * Parsing is strict: a note has exactly one text form, so that no byte of it can be changed unnoticed.
 */
import type { Sha256 } from './merkle.ts';

const ED25519 = 1;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
/** A note is small: a few lines and, at most, a few signatures of up to 5 kB each. */
const MAX_NOTE_LENGTH = 1_000_000;

/** A public key and the name it signs under. `id` is the key id in hexadecimal. */
export type VerifierKey = { name: string; id: string; publicKey: Uint8Array };

/** The private half. `sign` returns the 64 bytes of RFC 8032. */
export type NoteSigner = { key: VerifierKey; sign: (message: Uint8Array) => Uint8Array };

export type NoteSignature = { name: string; keyId: string; signature: Uint8Array };

/** `text` ends in a newline. */
export type SignedNote = { text: string; signatures: NoteSignature[] };

export type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** What verification needs from outside. */
export type NoteCrypto = { sha256: Sha256; verifyEd25519: VerifyEd25519 };

/** Whether a key may have this name: not empty, no Unicode space, no plus, no control character. */
export function isKeyName(name: string): boolean {
  // eslint-disable-next-line no-control-regex -- a note must not contain control characters
  return name !== '' && name.isWellFormed() && !/[\s+\u0000-\u001f\u007f]/u.test(name);
}

/** `SHA-256(name || 0x0A || 0x01 || public key)[:4]`, in hexadecimal. */
export function keyId(name: string, publicKey: Uint8Array, sha256: Sha256): string {
  const named = utf8(`${name}\n`);
  const data = new Uint8Array(named.length + 1 + publicKey.length);
  data.set(named);
  data[named.length] = ED25519;
  data.set(publicKey, named.length + 1);
  return toHex(sha256(data).subarray(0, KEY_ID_BYTES));
}

/** The text of a key: `name+hex(key id)+base64(0x01 || public key)`. */
export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${key.id}+${toBase64(Uint8Array.of(ED25519, ...key.publicKey))}`;
}

/** The key that a text names, or `null` when it names none or its parts disagree. */
export function parseVerifierKey(text: string, sha256: Sha256): VerifierKey | null {
  // The base64 part may itself contain a plus.
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text) ?? [];
  if (name === undefined || id === undefined || encoded === undefined || !isKeyName(name)) return null;
  const typed = fromBase64(encoded);
  if (typed === null || typed.length !== 1 + KEY_BYTES || typed[0] !== ED25519) return null;
  const publicKey = typed.subarray(1);
  return keyId(name, publicKey, sha256) === id ? { name, id, publicKey } : null;
}

export function formatNote(note: SignedNote): string {
  const lines = note.signatures.map(
    ({ name, keyId: id, signature }) => `\u2014 ${name} ${toBase64(Uint8Array.of(...fromHex(id), ...signature))}\n`,
  );
  return `${note.text}\n${lines.join('')}`;
}

/** The parts of a note, or `null` when it is not well-formed. Nothing in it is verified. */
export function parseNote(note: string): SignedNote | null {
  // eslint-disable-next-line no-control-regex -- a note must not contain control characters other than newline
  if (note.length > MAX_NOTE_LENGTH || /[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.isWellFormed()) return null;
  const blank = note.lastIndexOf('\n\n');
  if (blank === -1) return null;
  const lines = note.slice(blank + 2).split('\n');
  // The last line ends in a newline too, so the split leaves one empty piece behind it.
  if (lines.pop() !== '' || lines.length === 0) return null;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, encoded] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? [];
    const bytes = encoded === undefined ? null : fromBase64(encoded);
    if (name === undefined || !isKeyName(name) || bytes === null || bytes.length <= KEY_ID_BYTES) return null;
    const id = toHex(bytes.subarray(0, KEY_ID_BYTES));
    signatures.push({ name, keyId: id, signature: bytes.subarray(KEY_ID_BYTES) });
  }
  return { text: note.slice(0, blank + 1), signatures };
}

/** Signs `text`, which ends in a newline. */
export function signNote(text: string, signer: NoteSigner): string {
  const { name, id } = signer.key;
  return formatNote({ text, signatures: [{ name, keyId: id, signature: signer.sign(utf8(text)) }] });
}

/**
 * Whether the key signed the note. `other_key`: no signature is by this key (signatures of unknown keys are ignored, as
 * signed-note demands); `bad_signature`: one claims to be and is not.
 */
export function checkNote(
  note: SignedNote,
  key: VerifierKey,
  crypto: NoteCrypto,
): 'signed' | 'other_key' | 'bad_signature' {
  const own = note.signatures.filter((signature) => signature.name === key.name && signature.keyId === key.id);
  if (own.length === 0) return 'other_key';
  const message = utf8(note.text);
  const good = own.every(({ signature }) => crypto.verifyEd25519(key.publicKey, message, signature));
  return good ? 'signed' : 'bad_signature';
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** RFC 4648, section 4. */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** RFC 4648, section 4, in its one canonical form (section 3.5: padding bits are zero); otherwise `null`. */
export function fromBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
