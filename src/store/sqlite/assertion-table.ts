import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { IdentityAssertion } from '../../core/task.ts';
import type { AssertionStore } from '../ports.ts';
import { checkIdentifiers } from './identifier.ts';

/** The table of identity assertions, read from the database each time: they are shown once in minutes. */
export class AssertionTable {
  readonly #insert: StatementSync;
  readonly #byName: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT INTO identity_assertions (issuer, id, digest, task) VALUES (?, ?, ?, ?)');
    this.#byName = db.prepare('SELECT digest, task FROM identity_assertions WHERE issuer = ? AND id = ?');
  }

  insert({ issuer, id, digest }: IdentityAssertion, task: string): void {
    checkIdentifiers(issuer, id, digest);
    this.#insert.run(issuer, id, digest, task);
  }

  /** Transactions are opened and committed without a pause, so what is read between them is durable. */
  find({ issuer, id, digest }: IdentityAssertion): ReturnType<AssertionStore['assertedTask']> {
    const row = this.#byName.get(issuer, id);
    if (row === undefined) return undefined;
    return row['digest'] === digest ? { outcome: 'made', task: String(row['task']) } : { outcome: 'other' };
  }

  /** Nothing of it is in memory. */
  reload(): void {}
}
