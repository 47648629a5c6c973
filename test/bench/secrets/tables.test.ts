import { expect, test } from 'vitest';
import { findSecrets } from '../../../src/secrets/find-secrets.ts';
import { readTemplates } from './templates.ts';

/** What is reached on tables that had not been seen when the rules were made, as lower bounds (docs/performance.md). */
test.each([
  ['unseen-1.txt', 0.98],
  ['unseen-2.txt', 0.84],
])('of %s', (table, least) => {
  const vectors = readTemplates(table);
  const share = (label: string) => {
    const some = vectors.filter((vector) => vector.label === label);
    const found = some.filter(({ text }) => findSecrets(text).some(({ certainty }) => certainty !== 'possible'));
    return found.length / some.length;
  };
  expect(share('secret')).toBeGreaterThanOrEqual(least);
  expect(share('not_secret')).toBeLessThanOrEqual(0.02);
});
