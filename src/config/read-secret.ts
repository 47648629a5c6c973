import { readFileSync } from 'node:fs';
import { InvalidConfig } from '../core/errors.ts';
import type { SecretSource } from './config.ts';

/** The value behind a source, read at each use so that a rotated secret is picked up. The value is in no error. */
export function readSecret(source: SecretSource, env: Record<string, string | undefined>): string {
  if ('value' in source) return source.value;
  if ('fromEnv' in source) {
    const value = env[source.fromEnv];
    if (value === undefined || value === '') {
      throw new InvalidConfig(`environment variable \`${source.fromEnv}\` is not set; set it before starting`);
    }
    return value;
  }
  try {
    return readFileSync(source.fromFile, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new InvalidConfig(`secret file \`${source.fromFile}\` cannot be read`, { cause });
  }
}
