/** What the program takes from the machine, and everything else is given: time, randomness, digests. */
import { hash, randomFillSync } from 'node:crypto';
import type { EventRecord } from '../core/record.ts';

export const clock = Date.now;

export const sha256 = (text: string): string => hash('sha256', text);

const ID_BYTES = 15;
/** Random bytes for many ids: to ask for a few at a time costs as much as to ask for thousands. */
const pool = Buffer.alloc(ID_BYTES * 256);
let used = pool.length;

/** 120 random bits, in digits and lower-case letters: unguessable, unique, and easy to copy. */
export function newId(prefix: string): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bits = pool.toString('hex', used, used + ID_BYTES);
  // Each byte serves once, and is gone then.
  pool.fill(0, used, (used += ID_BYTES));
  return `${prefix}_${BigInt(`0x${bits}`).toString(36).padStart(24, '0')}`;
}

/** The record of something that happened just now. */
export function event(name: EventRecord['event'], subject: EventRecord['subject']): EventRecord {
  return { version: 1, id: newId('rec'), time: clock(), kind: 'event', event: name, subject };
}
