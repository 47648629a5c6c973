import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { readArchive } from './read-archive.ts';

/** The files of one folder or archive; archives inside are material of their own. */
export type Material = {
  /** As messages name it. */
  name: string;
  /** Of each file, with `/`, relative to the folder or archive. */
  paths: readonly string[];
  /** @throws Error when there is no such file, or when it is not UTF-8. */
  read: (path: string) => string;
  /** The file that `by` means: its names are relative to the published repository's root, wherever that is here. */
  find: (reference: string, by: string) => string;
};

/** @throws Error for a path that is not there, and for a damaged archive. */
export function openMaterial(path: string): Material[] {
  return statSync(path).isDirectory() ? openFolder(path) : openArchive(path, readFileSync(path));
}

function openArchive(name: string, bytes: Buffer): Material[] {
  let files: Map<string, Buffer>;
  try {
    files = readArchive(bytes);
  } catch (error) {
    throw new Error(`\`${name}\` cannot be read: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
  return materialOf(name, [...files.keys()], (path) => files.get(path), []);
}

function openFolder(folder: string): Material[] {
  const readIfThere = (path: string) => {
    const full = join(folder, path);
    return statSync(full, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(full) : undefined;
  };
  // A folder of the repository may be given instead of the repository.
  return materialOf(folder, filesUnder(folder), readIfThere, ['..', '../..']);
}

function materialOf(
  name: string,
  all: readonly string[],
  load: (path: string) => Buffer | undefined,
  outer: readonly string[],
): Material[] {
  const paths = all.filter((path) => !isAppleDouble(path)).toSorted();
  const archives = paths.filter((path) => ARCHIVE.test(path));
  const material: Material = {
    name,
    paths,
    read: (path) => {
      const bytes = load(path);
      if (bytes === undefined) throw new Error(`there is no \`${path}\` in \`${name}\``);
      return decode(bytes, path);
    },
    find: (reference, by) => {
      for (const candidate of candidates(reference, by, outer)) {
        if (load(candidate) !== undefined) return candidate;
      }
      throw new Error(`there is no \`${reference}\` in \`${name}\``);
    },
  };
  return [material, ...archives.flatMap((path) => openArchive(`${name}/${path}`, load(path)!))];
}

const ARCHIVE = /\.(?:tar|tgz|tar\.\w+)$/;

/** What macOS packs beside a file: its attributes, under almost its name. */
function isAppleDouble(path: string): boolean {
  return posix.basename(path).startsWith('._') || path.split('/').includes('__MACOSX');
}

/** Places where the file may be: under each folder above `by`, outermost first, then without its own first folders. */
function* candidates(reference: string, by: string, outer: readonly string[]): Generator<string> {
  const inner = by.split('/').slice(0, -1);
  const roots = [...inner.keys(), inner.length].map((depth) => inner.slice(0, depth).join('/'));
  const names = reference.split('/').filter((part) => part !== '' && part !== '.');
  for (let dropped = 0; dropped < names.length; dropped++) {
    const rest = names.slice(dropped).join('/');
    for (const root of roots) yield posix.join(root, rest);
    if (dropped === 0) for (const root of outer) yield posix.join(root, rest);
  }
}

/** Files below a folder, through symbolic links, none twice by way of a loop. */
function filesUnder(folder: string, prefix = '', above: readonly string[] = []): string[] {
  const real = realpathSync(folder);
  if (above.includes(real)) return [];
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) return filesUnder(path, `${prefix}${name}/`, [...above, real]);
    return stats?.isFile() === true ? [`${prefix}${name}`] : [];
  });
}

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`\`${path}\` is not UTF-8`, { cause });
  }
}
