import { z } from 'zod';
import { parseAmount, type Amount } from '../core/amount.ts';
import type { Budget, SumLimit } from '../core/budget.ts';
import { EFFECTS } from '../core/effect.ts';
import { InvalidRequest } from '../core/errors.ts';
import type { Catalogue } from './grant-form.ts';

const MOST_CALLS = 1_000_000;

/** RFC 6901, to a member: the whole arguments are no number. */
const pointer = z
  .string()
  .max(256)
  .regex(/^(\/([^~/]|~[01])*)+$/, 'expected a JSON Pointer such as `/amount`');

export const amountForm = z.union([z.number(), z.string().max(32)]).transform((value, check): Amount => {
  const read = parseAmount(value);
  if ('amount' in read) return read.amount;
  check.addIssue(`${read.problem}; expected a number that is not negative, with at most four digits after the point`);
  return z.NEVER;
});

const callsForm = z.number().int().min(0).max(MOST_CALLS);

export const sumForm = z.strictObject({
  target: z.string().min(1).max(63),
  operations: z.array(z.string().min(1).max(128)).min(1).max(50),
  argument: pointer,
  at_most: amountForm,
});

/** How much a task may do. What is absent is not bounded, but for the calls. */
export const budgetForm = z.strictObject({
  calls: z.number().int().positive().max(MOST_CALLS).optional(),
  effects: z.partialRecord(z.enum(EFFECTS), callsForm).optional(),
  /** By `target:operation`. */
  operations: z
    .record(z.string().min(3).max(192), callsForm)
    .refine((limits) => Object.keys(limits).length <= 50, 'expected at most 50 operations')
    .optional(),
  sums: z.array(sumForm).max(10).optional(),
});

/** A budget as asked for: what is absent is as the default, the profile or the task above has it. */
export type BudgetRequest = Omit<Budget, 'calls'> & { calls?: number };

/** @throws InvalidRequest naming an operation that does not exist, whose limit would hold nothing. */
export function parseBudget(
  form: z.output<typeof budgetForm>,
  catalogue: Pick<Catalogue, 'operations'>,
): BudgetRequest {
  const { calls, effects, operations, sums } = form;
  for (const id of Object.keys(operations ?? {})) {
    const colon = id.indexOf(':');
    checkOperation(`\`budget.operations.${id}\``, id.slice(0, colon), id.slice(colon + 1), catalogue);
  }
  for (const [place, { target, operations: names }] of (sums ?? []).entries()) {
    for (const name of names) checkOperation(`\`budget.sums.${place}\``, target, name, catalogue);
  }
  return {
    ...(calls === undefined ? {} : { calls }),
    ...(isEmpty(effects) ? {} : { effects }),
    ...(isEmpty(operations) ? {} : { operations }),
    ...(sums === undefined || sums.length === 0 ? {} : { sums: sums.map(sumOf) }),
  };
}

function isEmpty(limits: object | undefined): limits is undefined {
  return Object.keys(limits ?? {}).length === 0;
}

function sumOf({ at_most: atMost, ...sum }: z.output<typeof sumForm>): SumLimit {
  return { ...sum, atMost };
}

function checkOperation(where: string, target: string, name: string, catalogue: Pick<Catalogue, 'operations'>): void {
  const known = catalogue.operations(target);
  if (known === undefined) throw new InvalidRequest(`${where}: \`${target}\` is not a target`);
  if (!known.includes(name)) throw new InvalidRequest(`${where}: \`${name}\` is not an operation of \`${target}\``);
}
