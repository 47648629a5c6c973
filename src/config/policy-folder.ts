import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidConfig } from '../core/errors.ts';

/** Of all files of a folder. A set of 100,000 policies takes some 20 MiB. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The `.cedar` files of a folder and the links of their templates, by name. Symbolic links are followed: that is how a
 * Kubernetes ConfigMap is mounted.
 *
 * @throws InvalidConfig naming the file that cannot be read, is no file, or is not UTF-8.
 */
export function readPolicyFolder(folder: string): Record<string, string> {
  const names = readNames(folder)
    .filter((name) => name.endsWith('.cedar') || name.endsWith('.links.json'))
    .sort();
  if (!names.some((name) => name.endsWith('.cedar')))
    throw new InvalidConfig(`${folder}: has no .cedar file; nothing would be permitted`);
  let room = MAX_BYTES;
  return Object.fromEntries(
    names.map((name) => {
      const { text, size } = readPolicyFile(join(folder, name), room);
      room -= size;
      return [name, text];
    }),
  );
}

/** One file as text, without a byte order mark. @throws InvalidConfig as readPolicyFolder */
export function readPolicyFile(file: string, room: number = MAX_BYTES): { text: string; size: number } {
  const bytes = readBytes(file, room);
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), size: bytes.length };
  } catch (cause) {
    throw new InvalidConfig(`${file}: is not UTF-8; save it as UTF-8`, { cause });
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new InvalidConfig(`${folder}: policies cannot be read; check the path and its permissions`, { cause });
  }
}

function readBytes(file: string, room: number): Buffer {
  try {
    const stats = statSync(file);
    // A pipe would be waited for without end.
    if (!stats.isFile()) throw new InvalidConfig(`${file}: is not a file; rename or remove it`);
    if (stats.size > room) throw new InvalidConfig(`${file}: policies of more than ${MAX_BYTES} bytes; split the set`);
    return readFileSync(file);
  } catch (cause) {
    if (cause instanceof InvalidConfig) throw cause;
    throw new InvalidConfig(`${file}: cannot be read; check where it points and its permissions`, { cause });
  }
}
