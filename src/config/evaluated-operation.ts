import { z } from 'zod';
import type { JsonObject } from '../core/json.ts';
import type { OperationLabels } from './labels.ts';

/** By what an operation of an AuthZEN target is asked for (Authorization API 1.0, section 5), and what its arguments are. */
export type EvaluatedOperation = {
  /** `action.name` of the request. */
  action: string;
  /** `resource.type` of the request. */
  resource: string;
  /** JSON Schemas of members of `resource.properties`, for policies that name them. Others are arguments, too. */
  properties: JsonObject;
  /** The same of `action.properties`. */
  actionProperties: JsonObject;
  /** The same of `context`, of which nothing else is an argument. */
  context: JsonObject;
};

const nameForm = z.string().min(1).max(256);
const schemasForm = z.record(z.string().min(1), z.json()).optional();

/** What the form of an operation has besides, at an AuthZEN target. */
export const evaluatedOperationFields = {
  evaluation: z
    .strictObject({
      action: nameForm,
      resource: nameForm,
      properties: schemasForm,
      action_properties: schemasForm,
      context: schemasForm,
    })
    .optional(),
};

type Fields = {
  effect: string;
  evaluation?: z.output<(typeof evaluatedOperationFields)['evaluation']>;
  mints?: unknown;
  labels?: OperationLabels | undefined;
};

/** What is wrong with what an operation is asked for by, for a target of the protocol. */
export function evaluatedOperationProblem(
  { effect, evaluation, mints, labels }: Fields,
  protocol: string,
): string | null {
  if (protocol !== 'authzen') {
    return evaluation === undefined ? null : '`evaluation` is for a target with `protocol: authzen`';
  }
  if (evaluation === undefined) return 'expected `evaluation`, with the `action` and the type of `resource` to ask by';
  // INVARIANT 7: what Remit does not pass on it cannot catch.
  if (effect === 'mint' || mints !== undefined) return 'what it mints does not pass Remit, so it could not be caught';
  if (labels?.author !== undefined || labels?.sensitivity !== undefined)
    return '`labels.author` and `labels.sensitivity` look into results, which do not pass Remit; use `sensitivity` and `labels.add`';
  return null;
}

/** Two operations that are asked for alike, or `null`. */
export function askedAlike(operations: Readonly<Record<string, Fields>>): string | null {
  const seen = new Map<string, string>();
  for (const [name, { evaluation }] of Object.entries(operations)) {
    if (evaluation === undefined) continue;
    const key = JSON.stringify([evaluation.action, evaluation.resource]);
    const before = seen.get(key);
    if (before !== undefined) return `\`${before}\` and \`${name}\` are asked for by the same \`evaluation\``;
    seen.set(key, name);
  }
  return null;
}

/** @throws Error when the form has none: `evaluatedOperationProblem` says so first. */
export function evaluatedOperationOf(evaluation: Fields['evaluation']): EvaluatedOperation {
  if (evaluation === undefined) throw new Error('an operation of an AuthZEN target is asked for by nothing');
  const { action, resource, properties = {}, action_properties: actionProperties = {}, context = {} } = evaluation;
  return { action, resource, properties, actionProperties, context };
}
