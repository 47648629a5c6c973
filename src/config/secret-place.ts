import { resolve } from 'node:path';
import { z } from 'zod';

/** Where a secret is kept: never in the configuration itself. */
export type SecretPlace =
  | { fromEnv: string }
  | { fromFile: string }
  /** A name in the encrypted store: see `remit secret`. */
  | { fromStore: string }
  /** What a command prints, run without a shell in `folder`. */
  | { fromCommand: readonly string[]; folder: string }
  /** A field of a secret in a vault that the configuration names. */
  | { fromVault: { vault: string; path: string; field: string } };

/** A name in the encrypted store. */
export const secretName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'expected a name of a-z, 0-9, `.`, `_` and -, starting with a letter or digit');

// execFile takes no NUL, and says so in an error that quotes the argument.
const word = z.string().refine((text) => !text.includes('\0'), 'expected no NUL character');

/** `mount/path`, as `vault kv get` takes it. */
const vaultPath = z
  .string()
  .regex(/^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_. -]+)+$/, 'expected `mount/path`')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'expected no `.` and `..`');

/** The form of a place. */
export const secretPlaceForm = z.union([
  z.strictObject({ from_env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable') }),
  z.strictObject({ from_file: z.string().min(1) }),
  z.strictObject({ from_store: secretName }),
  z.strictObject({ from_command: z.array(word.min(1)).min(1, 'expected a program and its arguments') }),
  z.strictObject({
    from_vault: z.strictObject({ vault: z.string().min(1), path: vaultPath, field: z.string().min(1) }),
  }),
]);

/** @param folder of the file that names the place, which relative paths start from. */
export function readPlace(from: z.output<typeof secretPlaceForm>, folder: string): SecretPlace {
  if ('from_env' in from) return { fromEnv: from.from_env };
  if ('from_file' in from) return { fromFile: resolve(folder, from.from_file) };
  if ('from_store' in from) return { fromStore: from.from_store };
  if ('from_command' in from) return { fromCommand: from.from_command, folder };
  return { fromVault: from.from_vault };
}

/** How records and messages name it. Of a command the program alone: somebody may have put a password in its arguments. */
export function nameOfPlace(place: SecretPlace): string {
  if ('fromEnv' in place) return `env:${place.fromEnv}`;
  if ('fromFile' in place) return `file:${place.fromFile}`;
  if ('fromStore' in place) return `store:${place.fromStore}`;
  if ('fromCommand' in place) return `command:${place.fromCommand[0] ?? ''}`;
  return `vault:${place.fromVault.vault}/${place.fromVault.path}#${place.fromVault.field}`;
}

/** Every place that a value of the configuration names. */
export function placesIn(value: unknown): SecretPlace[] {
  if (typeof value !== 'object' || value === null) return [];
  // Told by its one key, as it was read: no other part of a credential has such a name.
  if (Object.keys(value).some((key) => /^from[A-Z]/.test(key))) return [value as SecretPlace];
  return Object.values(value).flatMap(placesIn);
}
