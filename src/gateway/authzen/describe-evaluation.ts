import type { Action } from '../../core/action.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Caller } from '../../identity/caller.ts';
import { resolveResources } from '../resource-template.ts';
import type { AskedOperation, AskedTarget } from './asked-target.ts';
import { checkSubject } from './check-subject.ts';
import type { Evaluation } from './evaluation.ts';

/** Of what is no operation: what stands in its record in place of a name. */
const MAX_NAME = 256;

/**
 * Step 2: a question as an action. Name of the action and type of the resource say which operation of the target it is. What
 * is none, and what is asked for somebody else, is decided all the same, and so denied and recorded.
 */
export function describeEvaluation(evaluation: Evaluation, target: AskedTarget, caller: Caller): Action {
  const operation = target.find(evaluation.action.name, evaluation.resource.type);
  if (operation === undefined) return unknownAction(evaluation, target);
  const described = argumentsOf(evaluation, operation);
  const resolved = resolveResources(operation.resources, described);
  const undescribed =
    checkSubject(evaluation.subject, caller) ?? ('problem' in resolved ? unresolved(resolved.problem) : null);
  const { effect, sensitivity = target.config.sensitivity } = operation.config;
  return {
    target: target.config.name,
    operation: operation.name,
    effect,
    sensitivity,
    protocol: false,
    definition: 'pinned',
    resources: 'problem' in resolved ? [] : resolved.resources,
    arguments: described,
    ...(undescribed === null ? {} : { undescribed }),
  };
}

/** The context is the asker's account of its circumstances; what the operation says that it takes of it is an argument. */
function argumentsOf({ action, resource, context }: Evaluation, { evaluation }: AskedOperation): JsonObject {
  const taken = Object.entries(context).filter(([name]) => Object.hasOwn(evaluation.context, name));
  return {
    resource: { id: resource.id, properties: resource.properties },
    action: { properties: action.properties },
    context: Object.fromEntries(taken),
  };
}

function unresolved(message: string): Action['undescribed'] & object {
  return { code: 'unresolved_resource', message, next: 'name the resource in the request' };
}

function unknownAction({ action, resource }: Evaluation, { config }: AskedTarget): Action {
  return {
    target: config.name,
    operation: `${action.name} ${resource.type}`.slice(0, MAX_NAME).toWellFormed(),
    // An operation that the target does not have counts as the worst until it is denied for being unknown.
    effect: 'execute',
    sensitivity: config.sensitivity,
    protocol: false,
    definition: 'unknown',
    resources: [],
    arguments: {},
  };
}
