/** What the program takes from the machine, and everything else is given: time, randomness, digests. */
import { createHash, randomBytes } from 'node:crypto';
import type { EventRecord } from '../core/record.ts';

export const clock = Date.now;

export const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** 120 random bits, in digits and lower-case letters: unguessable, unique, and easy to copy. */
export const newId = (prefix: string): string =>
  `${prefix}_${BigInt(`0x${randomBytes(15).toString('hex')}`)
    .toString(36)
    .padStart(24, '0')}`;

/** The record of something that happened just now. */
export function event(name: EventRecord['event'], subject: EventRecord['subject']): EventRecord {
  return { version: 1, id: newId('rec'), time: clock(), kind: 'event', event: name, subject };
}
