import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { Described } from './classify.ts';
import type { ImportedOperation } from './imported.ts';
import { phraseOfName } from './name-phrase.ts';
import { singular } from './nouns.ts';

/**
 * What takes back what an operation has made, as `revoke` of a target file: the DELETE of one of the things that it makes
 * (`DELETE /keys/{key}` for `POST /keys`), else the operation that deletes what is called so (`delete_key` for `create_key`).
 *
 * @param accepted the operations of the target by name that will be there to be called.
 */
export function proposeRevocation(
  operation: ImportedOperation,
  accepted: ReadonlyMap<string, ImportedOperation>,
): JsonObject {
  for (const [name, { described }] of accepted) {
    const call = deleteBelow(operation.described, described) ?? deleteOf(operation.described, described);
    if (call !== null) return { operation: name, arguments: call };
  }
  return { manual: 'no operation of this target takes it back: revoke it by hand, by its id' };
}

function deleteBelow(made: Described, other: Described): JsonObject | null {
  if (other.method !== 'DELETE' || made.path === undefined || other.path === undefined) return null;
  const path = made.path.replace(/\/$/, '');
  const below = other.path.startsWith(`${path}/`) ? other.path.slice(path.length + 1) : '';
  const parameter = /^\{([^{}]+)\}$/.exec(below)?.[1];
  if (parameter === undefined) return null;
  const given = [...path.matchAll(/\{([^{}]+)\}/g)].map(([, each]) => [each!, `{/path/${each!}}`]);
  return { path: { ...Object.fromEntries(given), [parameter]: '{id}' } };
}

/** Of tools and of fields: one that deletes the same, and is told by one argument which. */
function deleteOf(made: Described, other: Described): JsonObject | null {
  if (made.path !== undefined || other.path !== undefined) return null;
  const { verbs, object } = phraseOfName(other.name);
  const same = nounOf(object) === nounOf(phraseOfName(made.name).object);
  if (verbs[0]?.effect !== 'delete' || !same) return null;
  const required = other.inputSchema?.['required'];
  const [argument, ...more] = Array.isArray(required) ? required : [];
  if (typeof argument !== 'string' || more.length > 0) return null;
  return other.method === 'MUTATION' ? { body: mutationOf(other, argument) } : { [argument]: '{id}' };
}

const nounOf = (object: readonly string[]) => object.map(singular).join(' ');

/** An object is asked for its type, since it has to be asked for something. */
function mutationOf({ name, outputSchema }: Described, argument: string): JsonObject {
  const answer = dataOf(outputSchema, name);
  const selection = answer?.['$ref'] === undefined ? '' : ' { __typename }';
  return {
    query: `mutation($id: ID!) { ${name}(${argument}: $id)${selection} }`,
    variables: { id: '{id}' },
  };
}

function dataOf(schema: JsonObject | undefined, field: string): JsonObject | undefined {
  const data = isJsonObject(schema?.['properties']) ? schema['properties']['data'] : undefined;
  const fields = isJsonObject(data) && isJsonObject(data['properties']) ? data['properties'] : {};
  const answer = fields[field];
  return isJsonObject(answer) ? answer : undefined;
}
