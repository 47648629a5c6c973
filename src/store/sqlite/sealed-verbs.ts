import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { SealedKind, SealedStore, SealedValue } from '../ports.ts';
import type { CommitQueue } from './commit-queue.ts';
import { checkIdentifiers } from './identifier.ts';
import type { RecordLog } from './record-log.ts';

/** Read from the database each time: what is not in memory cannot be left behind there. */
export function sealedVerbs(db: DatabaseSync, queue: CommitQueue, log: RecordLog): SealedStore {
  const one = db.prepare('SELECT * FROM sealed_values WHERE kind = ? AND name = ?');
  const ofKind = db.prepare('SELECT * FROM sealed_values WHERE kind = ? AND sealed IS NOT NULL ORDER BY name');
  const ofTask = db.prepare('SELECT * FROM sealed_values WHERE task = ? AND kind = ? ORDER BY name');
  const insert = db.prepare(
    'INSERT INTO sealed_values (version, sealed, task, expires_at, at, kind, name) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const update = db.prepare(
    'UPDATE sealed_values SET version = ?, sealed = ?, task = ?, expires_at = ?, at = ? WHERE kind = ? AND name = ?',
  );
  const empty = db.prepare('UPDATE sealed_values SET sealed = NULL WHERE kind = ? AND name = ?');
  const remove = db.prepare('DELETE FROM sealed_values WHERE kind = ? AND name = ?');
  const replace = db.prepare(
    'UPDATE sealed_values SET sealed = ? WHERE kind = ? AND name = ? AND version = ? AND sealed = ?',
  );
  const texts = db.prepare(
    `SELECT name, version, sealed FROM sealed_values
     WHERE kind = ? AND sealed IS NOT NULL AND (? IS NULL OR name > ?) ORDER BY name LIMIT ?`,
  );
  const elsewhere = {
    lease: {
      texts: db.prepare(
        `SELECT id AS name, 1 AS version, sealed FROM leases INDEXED BY leases_sealed
         WHERE sealed IS NOT NULL AND id > ? ORDER BY id LIMIT ?`,
      ),
      replace: db.prepare('UPDATE leases SET sealed = ? WHERE id = ? AND sealed = ?'),
    },
    prompt: {
      texts: db.prepare(
        'SELECT task AS name, 1 AS version, sealed FROM task_prompts WHERE task > ? ORDER BY task LIMIT ?',
      ),
      replace: db.prepare('UPDATE task_prompts SET sealed = ? WHERE task = ? AND sealed = ?'),
    },
  };

  const version = (kind: SealedKind, name: string) => Number(one.get(kind, name)?.['version'] ?? 0);

  return {
    sealedValue: (kind, name) => {
      const row = one.get(kind, name);
      return row === undefined || row['sealed'] === null ? undefined : valueOf(row);
    },
    sealedVersion: version,
    sealedValues: (kind, task) => (task === undefined ? ofKind.all(kind) : ofTask.all(task, kind)).map(valueOf),
    putSealed: (value, records) =>
      queue.add(() => {
        checkIdentifiers(value.name, value.task ?? '');
        const { kind, name } = value;
        const before = version(kind, name);
        if (value.version !== before + 1) return 'stale' as const;
        const row = [value.version, value.sealed, value.task, value.expiresAt, value.at, kind, name];
        (before === 0 ? insert : update).run(...row);
        log.append(records);
        return 'put' as const;
      }),
    removeSealed: ({ kind, name, version: expected }, records) =>
      queue.add(() => {
        const row = one.get(kind, name);
        if (row === undefined || row['sealed'] === null || row['version'] !== expected) return 'stale' as const;
        (row['task'] === null ? empty : remove).run(kind, name);
        log.append(records);
        return 'removed' as const;
      }),
    sealedTexts: ({ kind, after, limit }) => {
      const rows =
        kind === 'lease' || kind === 'prompt'
          ? elsewhere[kind].texts.all(after ?? '', limit)
          : texts.all(kind, after, after, limit);
      return rows.map((row) => ({ kind, ...textOf(row) }));
    },
    reseal: ({ kind, name, version: expected, sealed, was }) =>
      queue.add(() => {
        const { changes } =
          kind === 'lease' || kind === 'prompt'
            ? elsewhere[kind].replace.run(sealed, name, was)
            : replace.run(sealed, kind, name, expected, was);
        return changes === 1 ? ('resealed' as const) : ('stale' as const);
      }),
  };
}

function textOf(row: Record<string, SQLOutputValue>): Pick<SealedValue, 'name' | 'version' | 'sealed'> {
  return { name: String(row['name']), version: Number(row['version']), sealed: String(row['sealed']) };
}

function valueOf(row: Record<string, SQLOutputValue>): SealedValue {
  return {
    // One of the kinds: only `putSealed` writes them.
    kind: String(row['kind']) as SealedKind,
    ...textOf(row),
    task: row['task'] === null ? null : String(row['task']),
    expiresAt: row['expires_at'] === null ? null : Number(row['expires_at']),
    at: Number(row['at']),
  };
}
