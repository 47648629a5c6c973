import { z } from 'zod';
import { EFFECTS } from '../core/effect.ts';

/** A pattern over a field's text. Its author is the operator: it is trusted as a policy is, and its texts are bounded. */
const pattern = z.string().min(1).max(500).refine(isRegExp, 'expected a regular expression');

const field = z.string().min(1).max(200);

const test = z.union([
  z.strictObject({ field, is: z.union([z.string(), z.array(z.string()).min(1)]) }),
  z.strictObject({ field, matches: pattern }),
]);

/**
 * How a target's own audit log is read: data, not code. A field is a path of member names with dots (`userIdentity.arn`); a
 * name that holds a dot itself is in brackets (`[user.name]`).
 */
export const mappingForm = z.strictObject({
  /** Where the events are in a file that is one JSON value; without, the value itself, or one event a line. */
  events: field.optional(),
  /** ISO 8601 text, or seconds, milliseconds, microseconds or nanoseconds since the epoch. */
  time: field,
  /** What names an event; two with the same are one. Without, an event is named by all that is in it. */
  id: field.optional(),
  /** The credential that was used, as the target calls it, and which of them are the ones that Remit holds. */
  credential: z.strictObject({ field, is: z.array(z.string()).min(1) }).optional(),
  /** Whence the request came, and which of these are Remit. */
  source: z.strictObject({ field, is: z.array(z.string()).min(1) }).optional(),
  /** Where the log keeps the `traceparent` that it was sent. */
  traceparent: field.optional(),
  /** Where the log keeps the record that an attribution names. */
  record: field.optional(),
  /** Events that are no effects, or of no interest: the first test that holds leaves one out. */
  ignore: z.array(test).default([]),
  /** Events that say that the target refused: no effect came of them. */
  refused: z.array(test).default([]),
  /** Which operation an event is of. The first that fits counts; named groups of its patterns stand in `resource`. */
  operations: z
    .array(
      z.strictObject({
        when: z.record(field, pattern),
        operation: z.string().min(1),
        resource: z.string().min(1).optional(),
      }),
    )
    .default([]),
  /** Where the event names the operation itself, as the target's file does. For events that no rule above fits. */
  operation: field.optional(),
  /** Effects whose operations the target logs at all; a record of another is not looked for. */
  logs: z.array(z.enum(EFFECTS)).default([...EFFECTS]),
  /** How far the clocks of target and Remit may be apart, and how late the target may log. */
  skew_seconds: z.number().min(0).max(86_400).default(30),
});

export type Mapping = z.output<typeof mappingForm>;
export type Test = z.output<typeof test>;

function isRegExp(text: string): boolean {
  try {
    return new RegExp(text, 'u').source !== '';
  } catch {
    return false;
  }
}

/** What is taken for a file that nobody wrote a mapping for: one event a line, with the names that most such logs use. */
export const GENERIC: Mapping = mappingForm.parse({
  time: 'time',
  id: 'id',
  traceparent: 'traceparent',
  record: 'record',
  operation: 'operation',
});
