import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes files of one folder so that each appears whole or not at all: a temporary file, fsync, rename. The names are
 * durable after `syncFolders`. One writer at a time.
 */
export class FolderWriter {
  readonly #dir: string;
  readonly #touched = new Set<string>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Writes the file, unless it holds exactly these bytes already. Recovery is this comparison and nothing else. */
  async put(path: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.#dir, path);
    if (await holds(file, bytes)) return;
    const created = await mkdir(dirname(file), { recursive: true });
    // `mkdir` names the first folder that it made; each from there upwards has a new name in it.
    for (
      let folder = dirname(file);
      created !== undefined && folder.length >= created.length;
      folder = dirname(folder)
    ) {
      this.#touched.add(folder).add(dirname(folder));
    }
    const temporary = `${file}.tmp`;
    const handle = await open(temporary, 'w', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    this.#touched.add(dirname(file));
  }

  async syncFolders(): Promise<void> {
    for (const folder of this.#touched) {
      const handle = await open(folder, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
      this.#touched.delete(folder);
    }
  }

  /** Removes a folder and what is in it; it may be absent. */
  async removeFolder(path: string): Promise<void> {
    await rm(join(this.#dir, path), { recursive: true, force: true });
  }

  /** Removes every file of a folder but the named ones; the folder may be absent. */
  async keepOnly(path: string, kept: readonly string[]): Promise<void> {
    const folder = join(this.#dir, path);
    let names: string[];
    try {
      names = await readdir(folder);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw cause;
    }
    for (const name of names) {
      if (!kept.includes(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

async function holds(file: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return (await readFile(file)).equals(bytes);
  } catch {
    // Absent or unreadable: the write that follows says what is wrong, if anything is.
    return false;
  }
}
