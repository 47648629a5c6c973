import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidConfig } from '../core/errors.ts';

/** The `.cedar` files of a folder and the links of their templates, by name. */
export function readPolicyFolder(folder: string): Record<string, string> {
  try {
    const names = readdirSync(folder)
      .filter((name) => name.endsWith('.cedar') || name.endsWith('.links.json'))
      .sort();
    if (!names.some((name) => name.endsWith('.cedar')))
      throw new InvalidConfig(`${folder}: has no .cedar file; nothing would be permitted`);
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  } catch (cause) {
    if (cause instanceof InvalidConfig) throw cause;
    throw new InvalidConfig(`${folder}: policies cannot be read; check the path and its permissions`, { cause });
  }
}
