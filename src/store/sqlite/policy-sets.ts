import type { DatabaseSync } from 'node:sqlite';
import type { Records } from '../ports.ts';
import { checkIdentifiers } from './identifier.ts';
import type { Verb } from './transaction.ts';

/** A hash names its files for ever, so the first keeping wins and a later one changes nothing, the log included. */
export function keepPolicySet(db: DatabaseSync) {
  const keep = db.prepare('INSERT INTO policy_set (hash, files) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING');
  return (hash: string, files: Record<string, string>, records: Records): Verb<void> =>
    (tx) => {
      checkIdentifiers(hash);
      if (keep.run(hash, JSON.stringify(files)).changes === 1) tx.append(records);
    };
}

export function readPolicySet(db: DatabaseSync) {
  const read = db.prepare('SELECT files FROM policy_set WHERE hash = ?');
  return (hash: string): Record<string, string> | undefined => {
    const row = read.get(hash) as { files: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.files) as Record<string, string>);
  };
}
