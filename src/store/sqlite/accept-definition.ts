import type { DatabaseSync } from 'node:sqlite';
import type { Records } from '../ports.ts';
import { DEFINITION_COLUMNS, definitionPin, type DefinitionRow } from './definition-row.ts';
import { checkIdentifiers } from './identifier.ts';
import type { Verb } from './transaction.ts';

export type AcceptedDefinition = { target: string; operation: string; digest: string };

/** Accepts what was reviewed and nothing else: a definition that changed again meanwhile has another digest. */
export function acceptDefinition(db: DatabaseSync) {
  const accept = db.prepare(
    `UPDATE definition SET digest = quarantined_digest, definition = quarantined_definition, pinned_at = ?,
       quarantined_digest = NULL, quarantined_definition = NULL, quarantined_at = NULL
     WHERE target = ? AND operation = ? AND quarantined_digest = ? RETURNING ${DEFINITION_COLUMNS}`,
  );
  const quarantined = db.prepare(
    'SELECT 1 FROM definition WHERE target = ? AND operation = ? AND quarantined_digest IS NOT NULL',
  );

  return (
    { target, operation, digest }: AcceptedDefinition,
    records: Records,
  ): Verb<'accepted' | 'not_quarantined' | 'other_digest'> =>
    (tx) => {
      checkIdentifiers(target, operation, digest);
      const row = accept.get(tx.now, target, operation, digest) as DefinitionRow | undefined;
      if (row === undefined) return quarantined.get(target, operation) ? 'other_digest' : 'not_quarantined';
      const pin = definitionPin(row);
      tx.append(records);
      tx.afterCommit((view) => view.putDefinition(pin));
      return 'accepted';
    };
}
