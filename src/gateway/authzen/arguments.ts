import type { EvaluatedOperation } from '../../config/evaluated-operation.ts';
import type { JsonObject } from '../../core/json.ts';

/**
 * JSON Schema of the arguments of an operation that is asked for by AuthZEN: what it is about, by the member of the request
 * where it stands. Action and type of resource say which operation it is, and are no arguments of it.
 */
export function evaluationArguments({ properties, actionProperties, context }: EvaluatedOperation): JsonObject {
  return objectOf({
    resource: objectOf({ id: { type: 'string' }, properties: open(properties) }),
    action: objectOf({ properties: open(actionProperties) }),
    context: { ...open(context), additionalProperties: false },
  });
}

function objectOf(properties: JsonObject): JsonObject {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

function open(properties: JsonObject): JsonObject {
  return { type: 'object', properties };
}
