import type { JWK } from 'jose';
import { z } from 'zod';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import type { KeySeal, SealedContent } from '../keys/key-seal.ts';
import {
  createPrivateFile,
  readPrivateFile,
  removeLeftovers,
  stagePrivateFile,
  type StagedFile,
} from '../keys/private-file.ts';
import { ringProblem, type KeyRing } from './key-ring.ts';

const CONTENT: SealedContent = 'vnd.remit.key-ring+json';

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

/** `current` is false when the file has to be written again: it is plain, or sealed with an earlier key. */
export type OpenedRing = { ring: KeyRing; current: boolean };

/**
 * The ring in `file`, made with a first key when there is none. Of two that make it at once one key wins, and a crash
 * leaves no half key.
 *
 * @throws InvalidConfig, which holds nothing of the file's content; Unavailable when it cannot be read or written.
 */
export async function openKeyFile(file: string, seal: KeySeal, first: () => Promise<JWK>): Promise<OpenedRing> {
  removeLeftovers(file);
  if (readPrivateFile(file) === null) {
    createPrivateFile(file, await seal.seal(JSON.stringify(await first()), CONTENT));
  }
  const read = readPrivateFile(file);
  if (read === null) throw new Unavailable(`\`${file}\` vanished while it was being made`);
  const { text, current } = await seal.open(read.text, { file, content: CONTENT });
  return { ring: parseRing(file, text, read.modifiedAt), current };
}

/** The file with another ring, durable beside it; see `StagedFile`. @throws Unavailable */
export async function stageKeyFile(file: string, ring: KeyRing, seal: KeySeal): Promise<StagedFile> {
  return stagePrivateFile(file, await seal.seal(JSON.stringify({ version: 1, keys: ring }), CONTENT));
}

/** A file that holds a single key, as before its first rotation, is a ring whose current key has the age of the file. */
function parseRing(file: string, text: string, modifiedAt: number): KeyRing {
  try {
    const content: unknown = JSON.parse(text);
    const ring = ringForm.safeParse(content);
    const keys: KeyRing = ring.success
      ? ring.data.keys
      : [{ jwk: keyForm.parse(content), state: 'current', since: modifiedAt }];
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
