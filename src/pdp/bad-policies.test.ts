import { describe, expect, test } from 'vitest';
import { HOSTILE_SETS, OPEN } from '../../test/fixtures/hostile-policies.ts';
import { sampleInput, sha256 } from '../../test/fixtures/task.ts';
import { InvalidConfig } from '../core/errors.ts';
import { createCheckArguments } from './check-arguments.ts';
import { createPdp } from './pdp.ts';
import { parsePolicySet } from './policy-set.ts';
import type { Catalogue } from './schema/catalogue.ts';
import { validatePolicies } from './schema/validate.ts';

const checkArguments = createCheckArguments();
const CATALOGUE: Catalogue = {
  targets: [
    {
      name: 'files',
      operations: [
        { name: 'read_text_file', effect: 'read', input: { type: 'object', properties: { path: { type: 'string' } } } },
      ],
    },
  ],
  groups: null,
  trustDomains: null,
};

describe('a policy set that nobody means well with', () => {
  test.each(HOSTILE_SETS.filter(({ refused }) => refused !== null))(
    '$name: refused, and where',
    ({ files, refused }) => {
      expect(() => parsePolicySet(files, sha256)).toThrow(InvalidConfig);
      expect(() => parsePolicySet(files, sha256)).toThrow(refused!);
    },
  );

  test.each(HOSTILE_SETS.filter(({ refused }) => refused === null))('$name: decides, and is validated', ({ files }) => {
    const pdp = createPdp(files, { sha256, checkArguments });
    const decision = pdp.decide(sampleInput());
    expect(['permit', 'deny']).toContain(decision.outcome);
    expect(decision.reasons.map(({ code }) => code)).not.toContain('no_policy');
    expect(pdp.couldPermit(sampleInput())).toBe(true);
    const policies = [...parsePolicySet(files, sha256).policies.values()];
    for (const { line, file } of validatePolicies(policies, CATALOGUE)) {
      expect(file).toBe('a.cedar');
      expect(line).toBeGreaterThan(0);
    }
  });

  test('after all of them a good one is parsed and decides', () => {
    expect(createPdp({ 'a.cedar': OPEN }, { sha256, checkArguments }).decide(sampleInput()).outcome).toBe('permit');
  });
});
