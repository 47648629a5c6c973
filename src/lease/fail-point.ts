/** The moments between the steps of minting and of taking back. A test can have the process die at each. */
export const LEASE_POINTS = [
  // The intent is durable; the target has not been asked.
  'lease.intended',
  // The target has answered; nothing of that is durable.
  'lease.answered',
  // The lease is durable; the agent has not seen the answer.
  'lease.held',
  // That it is to be taken back is on record; the target has not been asked.
  'lease.revoking',
  // The target says that it is gone; nothing of that is durable.
  'lease.gone',
  // That it is gone is durable.
  'lease.revoked',
] as const;
export type LeasePointName = (typeof LEASE_POINTS)[number];

/** Called at each of these moments. Does nothing, outside of a test of faults. */
export type LeasePoint = (name: LeasePointName) => void;
