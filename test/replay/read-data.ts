import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

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
  return text === undefined ? undefined : (JSON.parse(text) as Of);
}

/** One value a line. */
export function readLines<Of>(folder: string, name: string): Of[] {
  const text = readText(folder, name) ?? '';
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Of);
}

/** Names of the files that end so, or so and `.gz`, without the `.gz`, in order. */
export function filesEnding(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).map((name) => name.replace(/\.gz$/, ''));
  return [...new Set(names.filter((name) => name.endsWith(ending)))].sort();
}
