import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { InvalidConfig } from '../../src/core/errors.ts';

/** The text of `name` in the folder, or of `name.gz`; `undefined` when there is neither. */
export function readText(folder: string, name: string): string | undefined {
  for (const file of [name, `${name}.gz`]) {
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    const bytes = readFileSync(path);
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  }
  return undefined;
}

export function readJson<Of>(folder: string, name: string): Of | undefined {
  const text = readText(folder, name);
  return text === undefined ? undefined : parsed<Of>(text, name);
}

/** One value a line. */
export function readLines<Of>(folder: string, name: string): Of[] {
  const text = readText(folder, name) ?? '';
  return text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [parsed<Of>(line, `${name}:${at + 1}`)]));
}

/** @throws InvalidConfig naming the place. */
function parsed<Of>(text: string, place: string): Of {
  try {
    return JSON.parse(text) as Of;
  } catch (cause) {
    throw new InvalidConfig(`${place}: is not JSON`, { cause });
  }
}

/** Names of the files that end so, or so and `.gz`, without the `.gz`, in order. */
export function filesEnding(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).map((name) => name.replace(/\.gz$/, ''));
  return [...new Set(names.filter((name) => name.endsWith(ending)))].sort();
}
