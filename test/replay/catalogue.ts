import { argumentRoles, type ArgumentRole } from '../../src/catalogue/argument-roles.ts';
import { classify } from '../../src/catalogue/classify.ts';
import type { Effect } from '../../src/core/effect.ts';
import type { Sensitivity } from '../../src/core/sensitivity.ts';
import type { Suite } from './suite.ts';

/** One operation as an operator who accepts every guess would have it in the target file. */
export type Operation = {
  effect: Effect;
  sensitivity: Sensitivity;
  roles: Record<string, ArgumentRole>;
  /** Whether outsiders can write what it returns. */
  outsiders: boolean;
};

export function catalogueOf({ tools, outsiders }: Suite): Map<string, Operation> {
  return new Map(
    tools.map(({ name, description, inputSchema }) => {
      const { effect, sensitivity } = classify({ name, description, inputSchema });
      const roles = argumentRoles(inputSchema);
      return [name, { effect, sensitivity, roles, outsiders: outsiders.has(name) }] as const;
    }),
  );
}
