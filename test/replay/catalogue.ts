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

/** A tool that was called, and that the suite does not describe, is known by its name alone. */
export function catalogueOf({ tools, outsiders, benign, attacks }: Suite): Map<string, Operation> {
  const described = new Set(tools.map(({ name }) => name));
  const called = new Set([...benign, ...attacks].flatMap(({ calls }) => calls.map(({ tool }) => tool)));
  const others = [...called]
    .filter((name) => !described.has(name))
    .map((name) => ({ name, description: '', inputSchema: {} }));
  return new Map(
    [...tools, ...others].map(({ name, description, inputSchema }) => {
      const { effect, sensitivity } = classify({ name, description, inputSchema });
      const roles = argumentRoles(inputSchema);
      return [name, { effect, sensitivity, roles, outsiders: outsiders.has(name) }] as const;
    }),
  );
}
