import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleAction, sampleInput, sampleTask } from '../../test/fixtures/task.ts';
import { decide, type DecideParts } from '../core/decide.ts';
import type { Decision, DecisionInput } from '../core/decision.ts';
import type { Effect } from '../core/effect.ts';
import { satisfies, type Grant } from '../core/grant.ts';
import { beyondGrants } from '../core/grant-within.ts';
import type { JsonObject } from '../core/json.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';

/** INVARIANT 3: whatever authorization details a token carries, it never permits what the task alone would not. */

const permit: Decision = {
  outcome: 'permit',
  reasons: [],
  policies: [],
  policySet: 'sha256:0',
  controls: [],
  approvers: [],
  observed: [],
  liftedByApproval: [],
};
const parts: DecideParts = {
  evaluatePolicy: () => permit,
  checkArguments: createCheckArguments(),
  policySet: 'sha256:0',
};

const operation = fc.constantFrom('read', 'write', 'delete');
const resource = fc.constantFrom('file:a', 'file:a/b', 'file:b');
const grants: fc.Arbitrary<Grant[]> = fc.array(
  fc
    .record(
      {
        type: fc.constant('remit_grant' as const),
        target: fc.constantFrom('files', 'memory'),
        operations: fc.subarray(['read', 'write', 'delete'], { minLength: 1 }),
        effects: fc.subarray<Effect>(['read', 'write', 'delete'], { minLength: 1 }),
        resources: fc.subarray(['file:a', 'file:a/*', 'file:**', '**'], { minLength: 1 }),
        arguments: fc.constantFrom<JsonObject>({ type: 'object', required: ['path'] }, { maxProperties: 0 }),
      },
      { requiredKeys: ['type', 'target'] },
    )
    .filter((grant) => grant.operations !== undefined || grant.effects !== undefined),
  { maxLength: 3 },
);

test('the token can take away, and add nothing', () => {
  let permitted = 0;
  let narrowed = 0;
  fc.assert(
    fc.property(grants, grants, operation, resource, fc.boolean(), (granted, details, name, about, withPath) => {
      const action = sampleAction({
        operation: name,
        effect: name as Effect,
        resources: [about],
        arguments: withPath ? { path: about } : {},
      });
      const input = (narrowedTo: Grant[]): DecisionInput => {
        const token = { issuedAt: 0, binding: 'dpop' as const, narrowedTo };
        return sampleInput({ action, token, chain: [{ task: sampleTask({ grant: granted }), used: { calls: 0 } }] });
      };
      const byTask = decide(input(granted), parts).outcome;
      const byToken = decide(input(details), parts).outcome;
      if (byToken === 'permit') permitted += 1;
      if (byTask === 'permit' && byToken === 'deny') narrowed += 1;
      expect([byTask, byToken]).not.toEqual(['deny', 'permit']);
    }),
    { numRuns: 5_000 },
  );
  // Otherwise nothing was tested.
  expect(permitted).toBeGreaterThan(0);
  expect(narrowed).toBeGreaterThan(0);
});

test('details that are taken permit nothing that the grants do not, in themselves: the answer says no more than is so', () => {
  let taken = 0;
  const effectOf = (_target: string, name: string) => name as Effect;
  fc.assert(
    fc.property(
      grants,
      grants,
      operation,
      resource,
      resource,
      fc.boolean(),
      (granted, asked, name, one, two, withPath) => {
        if (asked.some((detail) => beyondGrants(detail, granted, effectOf) !== null)) return;
        const action = sampleAction({
          operation: name,
          effect: name as Effect,
          resources: [one, two],
          arguments: withPath ? { path: one } : {},
        });
        if (!satisfies(asked, action, parts.checkArguments).satisfied) return;
        taken += 1;
        expect(satisfies(granted, action, parts.checkArguments).satisfied).toBe(true);
      },
    ),
    { numRuns: 20_000 },
  );
  expect(taken).toBeGreaterThan(20);
});

test('the grants themselves are never beyond themselves', () => {
  fc.assert(
    fc.property(grants, (granted) => {
      for (const grant of granted) expect(beyondGrants(grant, granted, (_target, name) => name as Effect)).toBe(null);
    }),
  );
});
