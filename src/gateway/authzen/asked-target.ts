import type { OperationConfig, TargetConfig } from '../../config/config.ts';
import type { EvaluatedOperation } from '../../config/evaluated-operation.ts';
import { InvalidConfig } from '../../core/errors.ts';
import { parseResourceTemplate, type ResourceTemplate } from '../resource-template.ts';

/** An operation of an AuthZEN target, its templates parsed. */
export type AskedOperation = {
  name: string;
  config: OperationConfig;
  evaluation: EvaluatedOperation;
  resources: readonly ResourceTemplate[];
};

/** An AuthZEN target as its gateway uses it, put together once. */
export type AskedTarget = {
  config: TargetConfig;
  /** The operation that is asked for by the name of an action and the type of a resource. */
  find: (action: string, resourceType: string) => AskedOperation | undefined;
};

/** @throws InvalidConfig naming target and operation. */
export function openAskedTarget(config: TargetConfig): AskedTarget {
  const byQuestion = new Map<string, AskedOperation>();
  for (const [name, operation] of Object.entries(config.operations)) {
    const { evaluation, resources = [] } = operation;
    const where = `target \`${config.name}\`, operation \`${name}\``;
    if (evaluation === undefined) throw new InvalidConfig(`${where}: \`evaluation\` is missing`);
    try {
      const templates = resources.map(parseResourceTemplate);
      const key = keyOf(evaluation.action, evaluation.resource);
      byQuestion.set(key, { name, config: operation, evaluation, resources: templates });
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new InvalidConfig(`${where}, \`resources\`: ${cause.message}`, { cause });
    }
  }
  return { config, find: (action, resourceType) => byQuestion.get(keyOf(action, resourceType)) };
}

/** No text can be mistaken for two others. */
function keyOf(action: string, resourceType: string): string {
  return `${action.length}:${action}${resourceType}`;
}
