import { z } from 'zod';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import type { Config } from './config.ts';

const stepUpForm = z
  .strictObject({
    acr_values: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'expected a value without blanks')).optional(),
    max_age_seconds: z.number().int().min(1).optional(),
  })
  .refine((form) => (form.acr_values ?? []).length > 0 || form.max_age_seconds !== undefined, {
    message: 'expected `acr_values`, `max_age_seconds` or both',
  });

export const approvalsForm = z
  .strictObject({
    lifetime_minutes: z.number().positive().max(60).default(10),
    step_up: z.partialRecord(z.enum(SENSITIVITIES), stepUpForm).default({}),
  })
  .prefault({});

export function readApprovals(form: z.output<typeof approvalsForm>): Config['approvals'] {
  return {
    lifetimeSeconds: form.lifetime_minutes * 60,
    stepUps: Object.fromEntries(
      Object.entries(form.step_up).map(([sensitivity, { acr_values: acrValues = [], max_age_seconds: maxAge }]) => [
        sensitivity,
        { acrValues, maxAgeSeconds: maxAge ?? null },
      ]),
    ),
  };
}
