/**
 * The kinds of things that are ended once the end of a task is durable, in the order in which that is begun. The tasks
 * below it and all approvals have ended in the same step as the task.
 */
export const ENDING_KINDS = ['calls', 'streams', 'sessions', 'processes', 'tokens', 'leases', 'target_tokens'] as const;
export type EndingKind = (typeof ENDING_KINDS)[number];

/** The moments between the steps of an end. A test can have the process die at each; see `wiring/fail-points.ts`. */
export const FAIL_POINTS = [
  // The end is decided; nothing is changed.
  'end.decided',
  // Inside the transaction of the end, before it is committed.
  'end.committing',
  // The end is durable; nothing is cut yet.
  'end.committed',
  // Before each kind of thing is ended.
  ...ENDING_KINDS.map((kind) => `closing.${kind}` as const),
  // All of it was tried, and none of that recorded.
  'closing.tried',
  // The closing is kept.
  'closing.saved',
] as const;
export type FailPointName = (typeof FAIL_POINTS)[number];

/** Called at each of these moments. Does nothing, outside of a test of faults. */
export type FailPoint = (name: FailPointName) => void;
