import { z } from 'zod';
import { EFFECTS } from '../core/effect.ts';

/** Budgets and what was taken from them, as the API and records show them. Amounts are decimal texts. */

const amount = z.string().regex(/^\d+(\.\d{1,4})?$/);
const counts = z.number().int().min(0);
const byEffect = z.partialRecord(z.enum(EFFECTS), counts).optional();
/** By `target:operation`. */
const byOperation = z.record(z.string(), counts).optional();

export const limitsForm = z.strictObject({
  effects: byEffect,
  operations: byOperation,
  sums: z
    .array(
      z.strictObject({ target: z.string(), operations: z.array(z.string()), argument: z.string(), at_most: amount }),
    )
    .optional(),
});

export const usedLimitsForm = z.strictObject({
  effects: byEffect,
  operations: byOperation,
  sums: z.array(amount).optional(),
});
