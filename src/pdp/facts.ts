/** Records that are made as policies look at them. */
import { sensitivityLevel, type Sensitivity } from '../core/sensitivity.ts';
import { CedarRecord, EagerRecord, type Value } from './cedar/value.ts';

/** How each member of a record comes out of what it is made from; `undefined` where it is absent. */
export type Table<Source> = ReadonlyMap<string, (source: Source) => Value | undefined>;

export function table<Source>(members: Record<string, (source: Source) => Value | undefined>): Table<Source> {
  return new Map(Object.entries(members));
}

/** A record whose members are made when they are looked at. */
export class Facts<Source> extends CedarRecord {
  readonly #table: Table<Source>;
  readonly #source: Source;

  constructor(members: Table<Source>, source: Source) {
    super();
    this.#table = members;
    this.#source = source;
  }

  override get(name: string): Value | undefined {
    return this.#table.get(name)?.(this.#source);
  }

  override names(): readonly string[] {
    return [...this.#table.keys()].filter((name) => this.get(name) !== undefined);
  }
}

export const SENSITIVITIES: Readonly<Record<Sensitivity, CedarRecord>> = {
  public: sensitivityRecord('public'),
  internal: sensitivityRecord('internal'),
  confidential: sensitivityRecord('confidential'),
  restricted: sensitivityRecord('restricted'),
};

function sensitivityRecord(name: Sensitivity): CedarRecord {
  return new EagerRecord([
    ['name', name],
    ['level', sensitivityLevel(name)],
  ]);
}
