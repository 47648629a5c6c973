import type { Request } from './compile.ts';
import type { Entities, Entity } from './entities.ts';
import { valueText } from './to-text.ts';
import { CedarRecord, EntityUid, type Value } from './value.ts';

/** What an evaluation looked at: `context.task.calls` and its value, or `null` where it is absent. */
export type Read = { path: string; value: string | null };

/** A request that evaluates as `request` does, and notes what is read of it. */
export class ReadingRequest implements Request {
  readonly #request: Request;
  readonly #reads = new Map<string, { value: Value | undefined; text?: string }>();
  readonly entities: Entities;
  readonly context: CedarRecord;

  constructor(request: Request) {
    this.#request = request;
    this.context = new ReadingRecord(request.context, 'context', this.#note);
    this.entities = { get: (uid) => this.#entity(uid) };
  }

  get principal(): EntityUid {
    return this.#variable('principal');
  }
  get action(): EntityUid {
    return this.#variable('action');
  }
  get resource(): EntityUid {
    return this.#variable('resource');
  }

  /** What was read since the last time: the innermost of each path, and each once. */
  take(): Read[] {
    const all = [...this.#reads];
    this.#reads.clear();
    return all
      .filter(([path]) => !all.some(([other]) => other.startsWith(`${path}.`) || other.startsWith(`${path}[`)))
      .map(([path, { value, text }]) => ({ path, value: text ?? (value === undefined ? null : valueText(value)) }));
  }

  readonly #note = (path: string, value: Value | undefined): void => {
    this.#reads.set(path, { value });
  };

  #variable(name: 'principal' | 'action' | 'resource'): EntityUid {
    const uid = this.#request[name];
    this.#note(name, uid);
    return uid;
  }

  #entity(uid: EntityUid): Entity | undefined {
    const entity = this.#request.entities.get(uid);
    if (entity === undefined) return undefined;
    const name = this.#nameOf(uid);
    const noteParents = () =>
      this.#reads.set(`${name}'s groups`, {
        value: undefined,
        text: `[${entity.ancestors.map(valueText).join(', ')}]`,
      });
    return {
      attrs: new ReadingRecord(entity.attrs, name, this.#note),
      tags: entity.tags,
      get ancestors() {
        noteParents();
        return entity.ancestors;
      },
    };
  }

  #nameOf(uid: EntityUid): string {
    const { principal, action, resource } = this.#request;
    if (uid.is(principal)) return 'principal';
    if (uid.is(resource)) return 'resource';
    return uid.is(action) ? 'action' : valueText(uid);
  }
}

class ReadingRecord extends CedarRecord {
  readonly #record: CedarRecord;
  readonly #path: string;
  readonly #note: (path: string, value: Value | undefined) => void;

  constructor(record: CedarRecord, path: string, note: (path: string, value: Value | undefined) => void) {
    super();
    this.#record = record;
    this.#path = path;
    this.#note = note;
  }

  override get(name: string): Value | undefined {
    const value = this.#record.get(name);
    const path = /^[A-Za-z_]\w*$/.test(name) ? `${this.#path}.${name}` : `${this.#path}[${JSON.stringify(name)}]`;
    this.#note(path, value);
    return value instanceof CedarRecord ? new ReadingRecord(value, path, this.#note) : value;
  }

  override names(): readonly string[] {
    return this.#record.names();
  }
}
