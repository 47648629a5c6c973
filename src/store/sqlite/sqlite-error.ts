import { Conflict, InvalidConfig, Unavailable } from '../../core/errors.ts';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html), as far as they are told apart here. */
const BUSY = 5;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const TOOBIG = 18;
const CONSTRAINT = 19;
const MISMATCH = 20;
const NOTADB = 26;

/** The primary result code of an error that SQLite raised, `undefined` for any other error. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** Whether the error concerns the one verb that met it. Any other SQLite error puts the whole transaction in doubt. */
export function concernsOneVerb(error: unknown): boolean {
  const code = resultCode(error);
  return code === undefined || code === TOOBIG || code === CONSTRAINT || code === MISMATCH;
}

/** What the caller of a verb sees for its own error: a violated constraint is a conflict, anything else a fault. */
export function verbError(error: unknown): unknown {
  if (resultCode(error) !== CONSTRAINT) return error;
  return new Conflict('the change conflicts with what is stored', { detail: String(error), cause: error });
}

/** What every caller of a batch sees when the batch could not be committed, or not certainly. */
export function batchError(error: unknown): Unavailable {
  const message =
    resultCode(error) === FULL
      ? 'the store cannot be written because its disk is full: free some space and try again'
      : 'the store cannot be written now: try again shortly';
  return new Unavailable(message, { detail: String(error), cause: error });
}

/** Why a database cannot be opened, in the operator's words. */
export function openError(error: unknown, file: string): unknown {
  const options = { detail: String(error), cause: error };
  const code = resultCode(error);
  if (code === undefined) return error;
  switch (code) {
    case BUSY:
      return new Unavailable(
        `the database \`${file}\` is in use by another process: stop that process, or use another data folder`,
        options,
      );
    case CANTOPEN:
    case READONLY:
      return new InvalidConfig(`the database \`${file}\` cannot be written: check its owner and mode`, options);
    case CORRUPT:
    case NOTADB:
      return new InvalidConfig(`\`${file}\` is not a usable database: restore it, or use another data folder`, options);
    case FULL:
      return new Unavailable(`the database \`${file}\` cannot be opened: its disk is full`, options);
    default:
      return error;
  }
}
