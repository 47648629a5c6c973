import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { CheckArguments } from '../core/grant.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';

/** Largest schema that a grant may carry, in characters of JSON. */
export const MAX_SCHEMA_LENGTH = 16 * 1024;

const REMEMBERED = 1_000;

/**
 * JSON Schema (2020-12) over arguments. Compiled validators are remembered by the schema's text. A schema that does
 * not compile is satisfied by nothing: the problem is returned, never thrown.
 */
export function createCheckArguments(): CheckArguments {
  const compiled = new Map<string, ValidateFunction | string>();
  // A task's grant is one object for all its calls; its text is made once.
  const known = new WeakMap<JsonObject, ValidateFunction | string>();
  return (schema, value) => {
    let validate = known.get(schema);
    if (validate === undefined) known.set(schema, (validate = byText(compiled, schema)));
    if (typeof validate === 'string') return [validate];
    if (validate(value) === true) return [];
    return (validate.errors ?? []).map(
      (error) => `\`${error.instancePath || '/'}\` ${error.message ?? 'is not valid'}`,
    );
  };
}

function byText(compiled: Map<string, ValidateFunction | string>, schema: JsonObject): ValidateFunction | string {
  const key = canonicalJson(schema);
  let validate = compiled.get(key);
  if (validate === undefined) {
    validate = compile(schema, key);
    if (compiled.size >= REMEMBERED) compiled.delete(compiled.keys().next().value!);
    compiled.set(key, validate);
  }
  return validate;
}

/** Why the schema cannot be used, or `null`. */
export function schemaProblem(schema: JsonObject): string | null {
  const validate = compile(schema, canonicalJson(schema));
  return typeof validate === 'string' ? validate : null;
}

/** A validator of its own for each schema: `$id`s of one grant cannot be seen by another. */
function compile(schema: JsonObject, text: string): ValidateFunction | string {
  if (text.length > MAX_SCHEMA_LENGTH) return `the schema is longer than ${MAX_SCHEMA_LENGTH} characters`;
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: false });
  addFormats.default(ajv);
  try {
    return ajv.compile(schema);
  } catch (error) {
    return `the schema cannot be used: ${error instanceof Error ? error.message : 'unknown reason'}`;
  }
}
