import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { benchClassify } from '../classify.ts';

const corpora = join(import.meta.dirname, '../../../../shared/data/openapi/operations.jsonl.gz');

async function figures(): Promise<Record<string, number>> {
  const list = await benchClassify(undefined, () => {});
  return Object.fromEntries(list.map(({ name, value }) => [name, value]));
}

test('of other interfaces, whose operations no rule was made for, one change in a hundred at most is called a read', async () => {
  const { 'classify.other_interfaces.dangerous_misses': misses, ...rest } = await figures();
  expect(misses).toBeLessThanOrEqual(0.01);
  expect(rest['classify.other_interfaces.accuracy']).toBeGreaterThanOrEqual(0.85);
  expect(rest['classify.other_interfaces.reads_held']).toBeLessThanOrEqual(0.2);
});

test.skipIf(!existsSync(corpora))(
  'the same of the corpora beside the repository, skipped where they are not',
  async () => {
    const all = await figures();
    for (const of of ['github', 'gitlab', 'slack', 'aws-iam', 'aws-sts', 'mcp_tools', 'words_alone']) {
      expect(all[`classify.${of}.dangerous_misses`], of).toBeLessThanOrEqual(0.01);
      expect(all[`classify.${of}.accuracy`], of).toBeGreaterThanOrEqual(0.85);
      expect(all[`classify.${of}.reads_held`], of).toBeLessThanOrEqual(0.15);
    }
  },
);
