import { z } from 'zod';
import { SENSITIVITIES, type Sensitivity } from '../core/sensitivity.ts';

/** Labels that Remit gives itself: what a file adds must not pass for one of them. */
const OWN = /^(?:origin|sensitivity|author):/;

const patternForm = z
  .string()
  .min(1)
  .max(500)
  .superRefine((text, check) => {
    try {
      new RegExp(text, 'u');
    } catch {
      check.addIssue({ code: 'custom', message: 'expected a regular expression of JavaScript, with the flag `u`' });
    }
  });

/** What may be said of the results of one operation, and of all of a target. */
const labelsForm = z.strictObject({
  outsiders: z.boolean().optional(),
  author: z
    .string()
    .regex(/^(?:\/.*)?$/, 'expected a JSON Pointer, such as `/from`')
    .optional(),
  sensitivity: z.array(z.strictObject({ pattern: patternForm, is: z.enum(SENSITIVITIES) })).optional(),
  add: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9][a-z0-9:._-]{0,63}$/, 'expected a label of a-z, 0-9 and : . _ -')
        .refine(
          (label) => !OWN.test(label),
          'labels of `origin:`, `sensitivity:` and `author:` are given by Remit; choose another',
        ),
    )
    .optional(),
});

const argumentPaths = z.array(z.string().min(1)).optional();

/** Members of an operation in a target file. */
export const labelFields = {
  labels: labelsForm.optional(),
  /** Arguments by which the effect lands somewhere, and those whose text is carried there; nested ones as `a.b`. */
  targets: argumentPaths,
  content: argumentPaths,
};

/** The member of a target file, for all its operations. */
export const targetLabelsForm = labelsForm.pick({ outsiders: true }).optional();

export type OperationLabels = z.output<typeof labelsForm>;
export type TargetLabels = NonNullable<z.output<typeof targetLabelsForm>>;

/** What the results of an operation are labelled with. */
export type ResultLabels = {
  /** Whether others than the organisation's own people and systems can write what it returns. */
  outsiders: boolean;
  /** JSON Pointer (RFC 6901) to who wrote it. */
  author?: string;
  /** What a text that matches is, however sensitive the operation is. */
  patterns: readonly { pattern: RegExp; is: Sensitivity }[];
  add: readonly string[];
};

/** Of what nobody has said anything, outsiders may be the authors. */
export function resultLabels(operation: OperationLabels | undefined, target: TargetLabels | undefined): ResultLabels {
  return {
    outsiders: operation?.outsiders ?? target?.outsiders ?? true,
    ...(operation?.author === undefined ? {} : { author: operation.author }),
    patterns: (operation?.sensitivity ?? []).map(({ pattern, is }) => ({ pattern: new RegExp(pattern, 'u'), is })),
    add: operation?.add ?? [],
  };
}
