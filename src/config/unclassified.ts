import { EFFECTS } from '../core/effect.ts';
import { isJsonObject } from '../core/json.ts';

/**
 * Takes out of a target file the operations that nobody has classified yet: those with a `guess` and no `effect`, as `remit target
 * add` writes them. They are unknown then, and denied (INVARIANT 4). An operation with neither is an error, not one of them.
 *
 * @param names takes what they are called.
 */
export function withoutUnclassified(file: unknown, names: string[]): unknown {
  if (!isJsonObject(file) || !isJsonObject(file['operations'])) return file;
  const operations = Object.entries(file['operations']);
  names.push(...operations.filter(([, operation]) => isUnclassified(operation)).map(([name]) => name));
  return { ...file, operations: Object.fromEntries(operations.filter(([, operation]) => !isUnclassified(operation))) };
}

function isUnclassified(operation: unknown): boolean {
  return isJsonObject(operation) && Object.hasOwn(operation, 'guess') && !Object.hasOwn(operation, 'effect');
}

/** The JSON Schema of target files, with what `withoutUnclassified` takes out before the form is checked. */
export function withUnclassified(schema: object): object {
  const copy = structuredClone(schema) as { properties: { operations: { additionalProperties: object } } };
  const { operations } = copy.properties;
  const unclassified = {
    type: 'object',
    properties: { guess: { enum: EFFECTS } },
    required: ['guess'],
    not: { required: ['effect'] },
  };
  operations.additionalProperties = { anyOf: [operations.additionalProperties, unclassified] };
  return copy;
}
