import { z } from 'zod';
import type { Protocol } from '../core/target-resource.ts';
import { EFFECTS } from '../core/effect.ts';
import { InvalidAuthorizationDetails } from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import type { EffectOf } from '../core/grant-within.ts';
import { findJsonHazard, type JsonObject, type JsonValue } from '../core/json.ts';
import { schemaProblem } from '../pdp/check-arguments.ts';

/** Text of a request: some, not too much, and one that bytes can be made of. */
export const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed(), 'expected well-formed Unicode');

/** One element of RFC 9396 `authorization_details` on the wire. */
export const grantForm = z.strictObject({
  type: z.literal('remit_grant').default('remit_grant'),
  target: text(63),
  operations: z.array(text(128)).min(1).max(100).optional(),
  effects: z.array(z.enum(EFFECTS)).min(1).max(EFFECTS.length).optional(),
  resources: z.array(text(1024)).min(1).max(50).optional(),
  arguments: z.record(z.string(), z.unknown()).optional(),
  leases: z
    .array(z.string().regex(/^lse_[0-9a-z]{24}$/, 'expected the id of a lease, `lse_…`'))
    .min(1)
    .max(20)
    .optional(),
});

export const grantsForm = z.array(grantForm).min(1).max(20);

/** Longest `parameters`, and longest `grant`, as JSON. */
export const MAX_BYTES = 16 * 1024;

export type Catalogue = {
  /** Operation names of a target, `undefined` for an unknown one. */
  operations(target: string): readonly string[] | undefined;
  /** What a target speaks: MCP where nothing is said. */
  protocolOf?(target: string): Protocol;
  effectOf: EffectOf;
  trustDomains: readonly string[];
};

/** @throws InvalidAuthorizationDetails for grants that name nothing, or something that does not exist. */
export function parseGrants(forms: z.output<typeof grantsForm>, catalogue: Catalogue): Grant[] {
  // The scope stands in every record of the task.
  if (isLarge(forms)) throw new InvalidAuthorizationDetails(`the grants have more than ${MAX_BYTES} bytes of JSON`);
  return forms.map((form, place) => {
    const where = `grant ${place + 1}`;
    const known = catalogue.operations(form.target);
    if (known === undefined) throw new InvalidAuthorizationDetails(`${where}: \`${form.target}\` is not a target`);
    if (form.operations === undefined && form.effects === undefined) {
      throw new InvalidAuthorizationDetails(`${where}: name \`operations\` or \`effects\``);
    }
    const unknown = form.operations?.find((operation) => !known.includes(operation));
    if (unknown !== undefined) {
      throw new InvalidAuthorizationDetails(`${where}: \`${unknown}\` is not an operation of \`${form.target}\``);
    }
    const { arguments: schema, ...rest } = form;
    if (schema === undefined) return rest;
    const hazard = findJsonHazard(schema as JsonValue, { maxDepth: 32 });
    const problem = hazard === null ? schemaProblem(schema as JsonObject) : `\`${hazard.path}\` ${hazard.problem}`;
    if (problem !== null) throw new InvalidAuthorizationDetails(`${where}: \`arguments\`: ${problem}`);
    return { ...rest, arguments: schema as JsonObject };
  });
}

/** Whether it is longer than MAX_BYTES as JSON. */
export function isLarge(value: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(value)) > MAX_BYTES;
}
