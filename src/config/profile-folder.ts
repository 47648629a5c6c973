import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidConfig } from '../core/errors.ts';

/**
 * The `.yaml` files of a folder of profiles, by their paths.
 *
 * @throws InvalidConfig naming what cannot be read.
 */
export function readProfileFolder(folder: string): Record<string, string> {
  const names = reading(folder, () => readdirSync(folder)).filter((name) => /\.ya?ml$/.test(name));
  return Object.fromEntries(
    names.toSorted().map((name) => {
      const file = join(folder, name);
      return [file, reading(file, () => readFileSync(file, 'utf8'))];
    }),
  );
}

function reading<Read>(path: string, read: () => Read): Read {
  try {
    return read();
  } catch (cause) {
    throw new InvalidConfig(`${path}: profiles cannot be read; check the path and its permissions`, { cause });
  }
}
