import type { DatabaseSync } from 'node:sqlite';
import type { Records } from '../ports.ts';
import { DEFINITION_COLUMNS, definitionPin, type DefinitionRow } from './definition-row.ts';
import { checkIdentifiers } from './identifier.ts';
import type { Verb } from './transaction.ts';

export type SeenDefinition = { target: string; operation: string; digest: string; definition: string; at: number };

/**
 * INVARIANT 12: the first sight pins, another digest is quarantined. The newest change is the one that waits. Seeing
 * the quarantined definition again is still `changed`, and writes nothing.
 */
export function observeDefinition(db: DatabaseSync) {
  const find = db.prepare('SELECT digest, quarantined_digest FROM definition WHERE target = ? AND operation = ?');
  const pin = db.prepare(
    `INSERT INTO definition (target, operation, digest, definition, pinned_at) VALUES (?, ?, ?, ?, ?)
     RETURNING ${DEFINITION_COLUMNS}`,
  );
  const quarantine = db.prepare(
    `UPDATE definition SET quarantined_digest = ?, quarantined_definition = ?, quarantined_at = ?
     WHERE target = ? AND operation = ? RETURNING ${DEFINITION_COLUMNS}`,
  );

  return (
    { target, operation, digest, definition, at }: SeenDefinition,
    records: (verdict: 'pinned' | 'changed') => Records,
  ): Verb<'pinned' | 'unchanged' | 'changed'> =>
    (tx) => {
      checkIdentifiers(target, operation, digest);
      const found = find.get(target, operation) as { digest: string; quarantined_digest: string | null } | undefined;
      if (found?.digest === digest) return 'unchanged';
      if (found?.quarantined_digest === digest) return 'changed';
      const verdict = found === undefined ? 'pinned' : 'changed';
      const row =
        verdict === 'pinned'
          ? pin.get(target, operation, digest, definition, at)
          : quarantine.get(digest, definition, at, target, operation);
      const seen = definitionPin(row as DefinitionRow);
      tx.append(records(verdict));
      tx.afterCommit((view) => view.putDefinition(seen));
      return verdict;
    };
}
