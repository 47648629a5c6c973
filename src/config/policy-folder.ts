import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidConfig } from '../core/errors.ts';

/** The `.cedar` files of a folder, by name. */
export function readPolicyFolder(folder: string): Record<string, string> {
  try {
    const names = readdirSync(folder)
      .filter((name) => name.endsWith('.cedar'))
      .sort();
    if (names.length === 0) throw new InvalidConfig(`${folder}: has no .cedar file; nothing would be permitted`);
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  } catch (cause) {
    if (cause instanceof InvalidConfig) throw cause;
    throw new InvalidConfig(`${folder}: policies cannot be read; check the path and its permissions`, { cause });
  }
}
