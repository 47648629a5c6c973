import { EXTENSIONS } from './extension.ts';
import { CedarSet, EagerRecord, EntityUid, EvaluationError, toLong, type Value } from './value.ts';

/** Cedar's JSON form of a value, its integers as numbers or, beyond 2^53, as bigints. */
export type ValueJson =
  | boolean
  | string
  | number
  | bigint
  | null
  | readonly ValueJson[]
  | { readonly [name: string]: ValueJson };

/**
 * The value that Cedar's JSON form (language reference, "JSON format for entities") stands for.
 *
 * @throws EvaluationError for what is none, such as `null`, a fraction, or an unknown extension function.
 */
export function valueOf(json: ValueJson): Value {
  if (typeof json === 'boolean' || typeof json === 'string') return json;
  if (typeof json === 'bigint') return toLong(json);
  if (typeof json === 'number') {
    if (Number.isSafeInteger(json)) return json + 0;
    throw new EvaluationError(`\`${json}\` is not an integer that can be kept exactly`);
  }
  if (json === null) throw new EvaluationError('`null` is not a value');
  if (Array.isArray(json)) return new CedarSet(json.map(valueOf));
  const object = json as { readonly [name: string]: ValueJson };
  if (Object.hasOwn(object, '__entity')) return uidOf(object['__entity']!);
  if (Object.hasOwn(object, '__extn')) return extensionValue(object['__extn']!);
  return new EagerRecord(Object.entries(object).map(([name, member]) => [name, valueOf(member)]));
}

/** An entity's uid, with or without its `__entity` escape. */
export function uidOf(json: ValueJson): EntityUid {
  const object = (json ?? {}) as { readonly [name: string]: ValueJson };
  const { type, id } = (object['__entity'] ?? object) as { type?: unknown; id?: unknown };
  if (typeof type !== 'string' || typeof id !== 'string') throw new EvaluationError('an entity needs a type and an id');
  return new EntityUid(type, id);
}

function extensionValue(json: ValueJson): Value {
  const { fn, arg, args } = json as { fn?: ValueJson; arg?: ValueJson; args?: readonly ValueJson[] };
  const extension = typeof fn === 'string' ? EXTENSIONS.get(fn) : undefined;
  const given = args ?? (arg === undefined ? [] : [arg]);
  if (extension === undefined || given.length !== extension.arity) {
    throw new EvaluationError(`\`${JSON.stringify(fn)}\` with ${given.length} arguments is not an extension function`);
  }
  return extension.call(given.map(valueOf));
}
