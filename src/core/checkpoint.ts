/** C2SP tlog-checkpoint: a signed note that commits a log to its size and root hash. */
import { HASH_BYTES } from './merkle.ts';
import {
  checkNote,
  fromBase64,
  parseNote,
  signNote,
  toBase64,
  type NoteCrypto,
  type NoteSigner,
  type VerifierKey,
} from './note.ts';

export type Checkpoint = {
  /** Names the log; also the name of its key. */
  origin: string;
  size: number;
  root: Uint8Array;
};

export function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): string {
  return signNote(`${checkpoint.origin}\n${checkpoint.size}\n${toBase64(checkpoint.root)}\n`, signer);
}

/** The checkpoint that a note's text states, or `null` when it states none. Extension lines are passed over. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3 || lines.includes('')) return null;
  const [origin, digits, encoded] = lines as [string, string, string];
  const size = /^(0|[1-9][0-9]{0,15})$/.test(digits) ? Number(digits) : Number.NaN;
  const root = fromBase64(encoded);
  if (!Number.isSafeInteger(size) || root === null || root.length !== HASH_BYTES) return null;
  return { origin, size, root };
}

export type OpenedCheckpoint =
  | { status: 'signed'; checkpoint: Checkpoint }
  | { status: 'malformed' | 'other_key' | 'bad_signature'; problem: string };

/** Opens a signed checkpoint with the one key that is trusted. The log's name and the key's name must agree. */
export function openCheckpoint(signed: string, key: VerifierKey, crypto: NoteCrypto): OpenedCheckpoint {
  const note = parseNote(signed);
  const checkpoint = note === null ? null : parseCheckpoint(note.text);
  if (note === null || checkpoint === null) {
    return { status: 'malformed', problem: 'the checkpoint is not a signed note of origin, size and root hash' };
  }
  const status = checkNote(note, key, crypto);
  switch (status) {
    case 'signed':
      if (checkpoint.origin === key.name) return { status, checkpoint };
      return { status: 'other_key', problem: `the checkpoint is of another log, \`${checkpoint.origin}\`` };
    case 'other_key':
      return { status, problem: `the checkpoint is not signed by \`${key.name}\` with key id ${key.id}` };
    case 'bad_signature':
      return { status, problem: `the signature of \`${key.name}\` on the checkpoint is not good` };
  }
}
