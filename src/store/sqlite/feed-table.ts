import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { LogRecord } from '../../core/record.ts';
import { drawRevocation, type Revocation } from '../../core/revocation.ts';

type Row = Record<string, SQLOutputValue>;

/** So many of the newest entries are kept in memory: who follows the feed closely causes no read. */
const RECENT = 4096;

/** The table of the revocation feed, drawn from records in the transaction in which they are appended. */
export class FeedTable {
  readonly #insert: StatementSync;
  readonly #page: StatementSync;
  readonly #newestRows: StatementSync;
  readonly #oldestFirst: StatementSync;
  readonly #deleteBelow: StatementSync;
  /** The next sequence number inside the transaction that is open. */
  #next = 1;
  #pending: Revocation[] = [];
  /** The newest durable entries, oldest first, without a gap. */
  #recent: Revocation[] = [];
  #range = { oldest: 1, newest: 0 };

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT INTO revocations (sequence, at, body) VALUES (?, ?, ?)');
    this.#page = db.prepare(
      'SELECT body FROM revocations WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?',
    );
    this.#newestRows = db.prepare('SELECT body FROM revocations ORDER BY sequence DESC LIMIT ?');
    this.#oldestFirst = db.prepare('SELECT sequence, at FROM revocations ORDER BY sequence');
    this.#deleteBelow = db.prepare('DELETE FROM revocations WHERE sequence < ?');
    this.reload();
  }

  get next(): number {
    return this.#next;
  }

  draw(record: LogRecord): void {
    const drawn = drawRevocation(record);
    if (drawn === null) return;
    const revocation: Revocation = { sequence: this.#next, ...drawn };
    this.#insert.run(revocation.sequence, revocation.at, JSON.stringify(revocation));
    this.#pending.push(revocation);
    this.#next += 1;
  }

  /** After a savepoint was rolled back. */
  rewind(next: number): void {
    this.#next = next;
    this.#pending = this.#pending.filter(({ sequence }) => sequence < next);
  }

  durable(): void {
    if (this.#pending.length === 0) return;
    this.#recent.push(...this.#pending);
    this.#pending = [];
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
    this.#range = { ...this.#range, newest: this.#next - 1 };
  }

  reload(): void {
    this.#pending = [];
    this.#recent = this.#newestRows.all(RECENT).map(revocationOf).toReversed();
    const newest = this.#recent.at(-1)?.sequence ?? 0;
    const first = this.#oldestFirst.get();
    this.#range = { oldest: first === undefined ? 1 : Number(first['sequence']), newest };
    this.#next = newest + 1;
  }

  get range(): { oldest: number; newest: number } {
    return this.#range;
  }

  /** Durable entries after this one. */
  after(sequence: number, limit: number): Revocation[] {
    const first = this.#recent[0]?.sequence;
    if (first === undefined || sequence >= this.#range.newest) return [];
    if (sequence + 1 >= first) return this.#recent.slice(sequence + 1 - first, sequence + 1 - first + limit);
    return this.#page.all(sequence, this.#range.newest, limit).map(revocationOf);
  }

  /** In the open transaction: forgets what is older, but for the newest, whose number the next one follows. */
  prune(before: number): { oldest: number; pruned: number } {
    let keep = this.#next - 1;
    for (const row of this.#oldestFirst.iterate()) {
      if (Number(row['at']) < before) continue;
      keep = Math.min(keep, Number(row['sequence']));
      break;
    }
    const pruned = Number(this.#deleteBelow.run(keep).changes);
    return { oldest: Math.max(keep, this.#range.oldest), pruned };
  }

  forgetBelow(oldest: number): void {
    this.#range = { ...this.#range, oldest: Math.max(oldest, this.#range.oldest) };
    const gone = this.#recent.findIndex(({ sequence }) => sequence >= oldest);
    if (gone > 0) this.#recent = this.#recent.slice(gone);
  }
}

function revocationOf(row: Row): Revocation {
  return JSON.parse(String(row['body'])) as Revocation;
}
