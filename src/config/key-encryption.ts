import { resolve } from 'node:path';
import { z } from 'zod';
import type { Config, EncryptionKeySource } from './config.ts';

// execFile takes no NUL, and says so in an error that quotes the argument.
const word = z.string().refine((text) => !text.includes('\0'), 'expected no NUL character');

const places = {
  file: z.string().min(1).optional(),
  env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable')
    .optional(),
  command: z.array(word.min(1)).min(1, 'expected a program and its arguments').optional(),
};
type Places = { file?: string | undefined; env?: string | undefined; command?: string[] | undefined };

const inOnePlace = ({ file, env, command }: Places) =>
  [file, env, command].filter((place) => place !== undefined).length === 1;
const EXPECTED = 'expected one of `file`, `env` and `command`: where the key-encryption key comes from';

/** The form of `keys.encryption`. */
export const encryptionForm = z
  .strictObject({ ...places, previous: z.strictObject(places).refine(inOnePlace, EXPECTED).optional() })
  .refine(inOnePlace, EXPECTED);

/** @param folder of the configuration, which relative paths start from. */
export function readEncryption(
  form: z.output<typeof encryptionForm>,
  folder: string,
): NonNullable<Config['keys']['encryption']> {
  const source = ({ file, env, command }: Places): EncryptionKeySource => {
    if (file !== undefined) return { file: resolve(folder, file) };
    return env === undefined ? { command: command ?? [] } : { env };
  };
  return { current: source(form), previous: form.previous === undefined ? null : source(form.previous) };
}
