import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { canonicalJson, type JsonValue } from '../../core/json.ts';
import { TooLarge } from '../../core/errors.ts';
import { MAX_ENTRY_BYTES } from '../../core/tile.ts';
import type { FeedTable } from './feed-table.ts';
import type { Records } from '../ports.ts';

export type LogMark = { next: number; feed: number };

/** The table of records: dense from 0, in the order of commits. The revocation feed is drawn from it as it grows. */
export class RecordLog {
  readonly #insert: StatementSync;
  readonly #page: StatementSync;
  readonly #index: StatementSync;
  readonly #count: StatementSync;
  readonly #feed: FeedTable;
  /** The next sequence number inside the transaction that is open. */
  #next = 0;
  #durable = 0;

  constructor(db: DatabaseSync, feed: FeedTable) {
    this.#feed = feed;
    this.#insert = db.prepare('INSERT INTO records (seq, id, entry) VALUES (?, ?, ?)');
    this.#page = db.prepare('SELECT seq, entry FROM records WHERE seq >= ? ORDER BY seq LIMIT ?');
    this.#index = db.prepare('SELECT seq FROM records WHERE id = ?');
    this.#count = db.prepare('SELECT coalesce(max(seq) + 1, 0) AS size FROM records');
    this.reload();
  }

  /** Where the open transaction stands, to come back to. */
  mark(): LogMark {
    return { next: this.#next, feed: this.#feed.next };
  }

  /** After a savepoint was rolled back. */
  rewind({ next, feed }: LogMark): void {
    this.#next = next;
    this.#feed.rewind(feed);
  }

  append(records: Records): void {
    for (const record of records) {
      // A record is JSON; a type with optional members is no index signature.
      const entry = canonicalJson(record as unknown as JsonValue);
      // A character is at most three bytes of UTF-8, so most entries need no count.
      if (entry.length * 3 > MAX_ENTRY_BYTES && Buffer.byteLength(entry) > MAX_ENTRY_BYTES) {
        throw new TooLarge('the action is too large to be recorded; use smaller arguments');
      }
      this.#insert.run(this.#next, record.id, entry);
      this.#next += 1;
      this.#feed.draw(record);
    }
  }

  /** All that was committed is durable now. */
  durable(): void {
    this.#durable = this.#next;
    this.#feed.durable();
  }

  reload(): void {
    this.#feed.reload();
    this.#next = this.#durable = Number(this.#count.get()!['size']);
  }

  size(): number {
    return this.#durable;
  }

  entries(start: number, limit: number): { index: number; entry: string }[] {
    const rows = this.#page.all(start, Math.min(limit, Math.max(0, this.#durable - start)));
    return rows.map((row) => ({ index: Number(row['seq']), entry: String(row['entry']) }));
  }

  indexOf(id: string): number | undefined {
    const row = this.#index.get(id);
    const seq = row === undefined ? this.#durable : Number(row['seq']);
    return seq < this.#durable ? seq : undefined;
  }
}
