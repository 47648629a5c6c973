import { expect, test } from 'vitest';
import { LEASE_POINTS } from '../../src/lease/fail-point.ts';
import { dieAtEveryLeasePoint } from './lease.ts';

test(
  'INVARIANT 6: kill -9 between any two steps of a mint and of its revocation: every key is revoked, or outstanding with a step',
  { timeout: 120_000 },
  async () => {
    const { rounds, log } = await dieAtEveryLeasePoint();
    // Before the target is asked there is no key, and after its answer is durable it is known by name.
    const expected = {
      'lease.intended': { issued: 0, revoked: 0, outstanding: 1 },
      'lease.answered': { issued: 1, revoked: 0, outstanding: 1 },
      'lease.held': { issued: 1, revoked: 1, outstanding: 0 },
      'lease.revoking': { issued: 1, revoked: 1, outstanding: 0 },
      'lease.gone': { issued: 1, revoked: 1, outstanding: 0 },
      'lease.revoked': { issued: 1, revoked: 1, outstanding: 0 },
    };
    expect(rounds).toEqual(LEASE_POINTS.map((point) => ({ point, ...expected[point], lost: [] })));
    expect(log).toBe('ok');
  },
);
