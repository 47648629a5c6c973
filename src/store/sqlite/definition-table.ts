import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { DefinitionPin } from '../ports.ts';

type Row = Record<string, SQLOutputValue>;

/** The table of pinned definitions, all of them in memory too. */
export class DefinitionTable {
  readonly #all: StatementSync;
  readonly #byName: StatementSync;
  readonly #write: StatementSync;
  readonly #memory = new Map<string, Map<string, DefinitionPin>>();

  constructor(db: DatabaseSync) {
    this.#all = db.prepare('SELECT * FROM definitions');
    this.#byName = db.prepare('SELECT * FROM definitions WHERE target = ? AND operation = ?');
    this.#write = db.prepare('INSERT OR REPLACE INTO definitions VALUES (?, ?, ?, ?, ?, ?)');
    this.reload();
  }

  reload(): void {
    const rows = this.#all.all();
    this.#memory.clear();
    for (const row of rows) this.remember(pinOf(row));
  }

  remember(pin: DefinitionPin): void {
    const ofTarget = this.#memory.get(pin.target) ?? new Map<string, DefinitionPin>();
    ofTarget.set(pin.operation, pin);
    this.#memory.set(pin.target, ofTarget);
  }

  /** As the open transaction sees it. */
  stored(target: string, operation: string): DefinitionPin | undefined {
    const row = this.#byName.get(target, operation);
    return row === undefined ? undefined : pinOf(row);
  }

  write(pin: DefinitionPin): void {
    const { target, operation, digest, definition, quarantined } = pin;
    this.#write.run(
      target,
      operation,
      digest,
      definition,
      quarantined?.digest ?? null,
      quarantined?.definition ?? null,
    );
  }

  get(target: string, operation: string): DefinitionPin | undefined {
    return this.#memory.get(target)?.get(operation);
  }

  ofTarget(target: string): DefinitionPin[] {
    return [...(this.#memory.get(target)?.values() ?? [])];
  }
}

function pinOf(row: Row): DefinitionPin {
  return {
    target: String(row['target']),
    operation: String(row['operation']),
    digest: String(row['digest']),
    definition: String(row['definition']),
    ...(row['quarantined_digest'] === null
      ? {}
      : {
          quarantined: {
            digest: String(row['quarantined_digest']),
            definition: String(row['quarantined_definition']),
          },
        }),
  };
}
