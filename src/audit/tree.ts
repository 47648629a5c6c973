import { signCheckpoint, type Checkpoint } from '../core/checkpoint.ts';
import { Conflict, InvalidConfig, NotFound, Unavailable } from '../core/errors.ts';
import { consistencyProof, leafHash } from '../core/merkle.ts';
import { formatVerifierKey, utf8, type NoteSigner } from '../core/note.ts';
import { edgeTiles, encodeBundle, encodeTile, nodeReader, TILE_WIDTH, tilePath, type TileEdge } from '../core/tile.ts';
import type { LogStore } from '../store/ports.ts';
import { sha256 } from './ed25519.ts';
import { FolderWriter } from './folder-writer.ts';
import { CHECKPOINT_FILE, PUBLIC_KEY_FILE, readTile } from './log-files.ts';
import { proveEntry, type LogProof } from './proof-file.ts';
import { databaseEntries, resume, type Resumed } from './resume.ts';

export type TreeOptions = {
  log: Pick<LogStore, 'entries' | 'size' | 'onCommit'>;
  /** Folder of the log: `checkpoint`, `log.pub`, `tile/…`. One process writes it. */
  dir: string;
  /** Names the log. The signer's key has the same name. */
  origin: string;
  signer: NoteSigner;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** The longest time from a commit to the attempt to publish it. Default 200 ms. */
  intervalMs?: number;
  /** How many of the newest signed records a start compares with the database. Default 65,536. */
  checkLast?: number;
  /** Told each failed attempt to publish. It is tried again after at most 10 s. */
  onProblem?: (problem: TreeProblem) => void;
};

/** `lost_records`: the database holds fewer records than were signed. Nothing is signed any more; stop the process. */
export type TreeProblem = { kind: 'not_written' | 'lost_records'; message: string; cause: unknown };

export type TreeStatus = {
  /** Records under the newest signed checkpoint. */
  size: number;
  /** When it was written; `null` when not since the start. */
  publishedAt: number | null;
  problem: TreeProblem | null;
};

export type Tree = {
  /** The newest signed checkpoint, or `null` when none could be written yet. */
  checkpoint(): string | null;
  status(): TreeStatus;
  /** Publishes now. False when the checkpoint does not cover what was durable at the call; `onProblem` was told why. */
  flush(): Promise<boolean>;
  /**
   * Proves the record at `index` against the newest checkpoint. Reads O(log size) tiles.
   *
   * @throws NotFound when there is no such record.
   * @throws Unavailable when it is durable but cannot be proven now: no checkpoint covers it, or tiles are damaged.
   */
  proveInclusion(index: number): Promise<LogProof>;
  /** RFC 6962, section 2.1.2: that the tree of `oldSize` is a prefix of that of `checkpoint()`. */
  proveConsistency(oldSize: number): Uint8Array[];
  /** Signs a last checkpoint, removes superseded partial tiles, and stops following the database. */
  close(): Promise<void>;
};

const LONGEST_RETRY_MS = 10_000;

/**
 * Opens the log folder: checks what was signed against the database, brings the files up to date, and follows it.
 *
 * INVARIANT 5 does not depend on this: a record is durable in the database before its effect. The files are derived from
 * it, so a full disk or a read-only folder delays the public evidence and permits nothing that was not recorded; and a
 * crash anywhere in here loses nothing, because the next start writes whatever is missing or differs.
 *
 * @throws Conflict and Unavailable as `resume` does: then nothing may be signed, and Remit must not start.
 */
export async function openTree(options: TreeOptions): Promise<Tree> {
  if (options.signer.key.name !== options.origin) {
    throw new InvalidConfig(`the signing key is named \`${options.signer.key.name}\`, the log \`${options.origin}\``);
  }
  const checkLast = options.checkLast ?? 65_536;
  const publisher = new Publisher(options, resume(options.dir, options.signer.key, options.log, checkLast));
  await publisher.flush();
  options.log.onCommit(() => publisher.wake());
  return publisher;
}

class Publisher implements Tree {
  readonly #options: TreeOptions;
  readonly #writer: FolderWriter;
  #edge: TileEdge;
  #signed: { text: string; checkpoint: Checkpoint } | null;
  #publishedAt: number | null = null;
  #problem: TreeProblem | null = null;
  #failures = 0;
  /** Folders of partial tiles whose full tile is on disk. */
  #superseded: string[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TreeOptions, resumed: Resumed) {
    this.#options = options;
    this.#writer = new FolderWriter(options.dir);
    this.#edge = resumed.edge;
    this.#signed = resumed.signed;
  }

  checkpoint(): string | null {
    return this.#signed?.text ?? null;
  }

  status(): TreeStatus {
    return { size: this.#signedSize(), publishedAt: this.#publishedAt, problem: this.#problem };
  }

  /** Makes sure that an attempt to publish follows within the interval. Does not throw. */
  wake(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const delay = (this.#options.intervalMs ?? 200) * 2 ** Math.min(this.#failures, 16);
    this.#timer = setTimeout(() => void this.flush(), Math.min(delay, LONGEST_RETRY_MS)).unref();
  }

  flush(): Promise<boolean> {
    return this.#closed ? Promise.resolve(false) : this.#enqueue();
  }

  /** One attempt at a time, in order of call. */
  #enqueue(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const attempt = this.#running.then(() => this.#attempt());
    this.#running = attempt;
    return attempt;
  }

  async proveInclusion(index: number): Promise<LogProof> {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.#options.log.size()) {
      throw new NotFound(`the log has no record ${index}`);
    }
    if (index >= this.#signedSize()) await this.flush();
    if (this.#signed === null || index >= this.#signedSize()) {
      throw new Unavailable(`record ${index} is not under a signed checkpoint yet: try again shortly`);
    }
    try {
      return proveEntry(this.#options.dir, index, this.#signed.text, this.#signed.checkpoint);
    } catch (cause) {
      throw new Unavailable(`the files of the log do not prove record ${index}: run \`remit log verify\``, { cause });
    }
  }

  proveConsistency(oldSize: number): Uint8Array[] {
    const size = this.#signedSize();
    if (!Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > size) {
      throw new NotFound(`the signed log of ${size} records has no tree of ${oldSize}`);
    }
    const read = nodeReader(size, (level, index, width) => readTile(this.#options.dir, level, index, width), sha256);
    return consistencyProof(oldSize, size, read, sha256);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#enqueue();
    try {
      await this.#prune(this.#signedSize());
    } catch (cause) {
      this.#report(cause);
    }
  }

  #signedSize(): number {
    return this.#signed?.checkpoint.size ?? 0;
  }

  async #attempt(): Promise<boolean> {
    try {
      await this.#publish();
      this.#failures = 0;
      this.#problem = null;
      return true;
    } catch (cause) {
      this.#failures += 1;
      this.#report(cause);
      this.wake();
      return false;
    }
  }

  #report(cause: unknown): void {
    const kind = cause instanceof Conflict ? 'lost_records' : 'not_written';
    const message = cause instanceof Error ? cause.message : String(cause);
    this.#problem = { kind, message: `the log in \`${this.#options.dir}\` is behind: ${message}`, cause };
    this.#options.onProblem?.(this.#problem);
  }

  /** Tiles before the checkpoint: whoever reads a checkpoint finds everything that it covers. */
  async #publish(): Promise<void> {
    const { log, origin, signer, clock } = this.#options;
    const size = log.size();
    if (size < Math.max(this.#signedSize(), this.#edge.size)) {
      throw new Conflict(`the database holds ${size} records, and ${this.#signedSize()} were signed`);
    }
    while (this.#edge.size < size) await this.#writeBundle(size);
    for (const tile of this.#edge.partial()) {
      await this.#writer.put(tilePath(tile.level, tile.index, tile.hashes.length), encodeTile(tile.hashes));
    }
    await this.#writer.put(PUBLIC_KEY_FILE, utf8(`${formatVerifierKey(signer.key)}\n`));
    await this.#writer.syncFolders();
    const checkpoint: Checkpoint = { origin, size, root: this.#edge.root() };
    const text = signCheckpoint(checkpoint, signer);
    // INVARIANT 10: from here on a stranger may hold this checkpoint, and no smaller or other tree is ever signed: while
    // the process lives because the edge only grows, after a crash because the start compares the file with the database.
    await this.#writer.put(CHECKPOINT_FILE, utf8(text));
    await this.#writer.syncFolders();
    const before = this.#signedSize();
    this.#signed = { text, checkpoint };
    this.#publishedAt = clock();
    await this.#prune(before);
  }

  /** Writes the entries of one bundle and the tiles that they fill. A failure leaves the edge as it was. */
  async #writeBundle(size: number): Promise<void> {
    const index = Math.floor(this.#edge.size / TILE_WIDTH);
    const first = index * TILE_WIDTH;
    const entries = databaseEntries(this.#options.log, first, Math.min(first + TILE_WIDTH, size));
    const edge = this.#edge.clone();
    const filled = entries.slice(edge.size - first).flatMap((entry) => edge.append(leafHash(entry, sha256)));
    await this.#writer.put(tilePath('entries', index, entries.length), encodeBundle(entries));
    for (const tile of filled) await this.#writer.put(tilePath(tile.level, tile.index), encodeTile(tile.hashes));
    this.#edge = edge;
    if (filled.length > 0) this.#superseded.push(`${tilePath('entries', index)}.p`);
    for (const tile of filled) this.#superseded.push(`${tilePath(tile.level, tile.index)}.p`);
  }

  /**
   * Removes partial tiles but those of the newest checkpoint and of the one before it, whose readers may still be at work.
   * All would be up to 255 copies of a bundle; a partial tile of any older size is a prefix of the one that is kept.
   */
  async #prune(before: number): Promise<void> {
    while (this.#superseded.length > 0) {
      await this.#writer.removeFolder(this.#superseded.at(-1)!);
      this.#superseded.pop();
    }
    const older = edgeTiles(before);
    for (const { level, index, width } of edgeTiles(this.#signedSize())) {
      const kept = [String(width)];
      const previous = older.find((tile) => tile.level === level && tile.index === index);
      if (previous !== undefined) kept.push(String(previous.width));
      await this.#writer.keepOnly(`${tilePath(level, index)}.p`, kept);
      if (level === 0) await this.#writer.keepOnly(`${tilePath('entries', index)}.p`, kept);
    }
  }
}
