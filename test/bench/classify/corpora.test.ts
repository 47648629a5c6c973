import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { benchClassify } from '../classify.ts';

const corpora = join(import.meta.dirname, '../../../../shared/data/openapi/operations.jsonl.gz');

let all: Record<string, number>;
beforeAll(async () => {
  const figures = await benchClassify(undefined, () => {});
  all = Object.fromEntries(figures.map(({ name, value }) => [name, value]));
});

test('of other interfaces, whose operations no rule was made for, one change in a hundred at most is called a read', () => {
  expect(all['classify.other_interfaces.dangerous_misses']).toBeLessThanOrEqual(0.01);
  expect(all['classify.other_interfaces.accuracy']).toBeGreaterThanOrEqual(0.85);
  expect(all['classify.other_interfaces.reads_held']).toBeLessThanOrEqual(0.2);
});

test('of the tables of other domains and styles no change is called a read', () => {
  for (const of of ['unseen_1', 'unseen_2']) {
    expect(all[`classify.${of}.dangerous_misses`], of).toBeLessThanOrEqual(0.003);
    expect(all[`classify.${of}.accuracy`], of).toBeGreaterThanOrEqual(0.77);
    expect(all[`classify.${of}.reads_held`], of).toBeLessThanOrEqual(0.3);
  }
});

test.skipIf(!existsSync(corpora))(
  'the same of the corpora beside the repository, skipped where they are not',
  async () => {
    for (const of of ['github', 'gitlab', 'slack', 'aws-iam', 'aws-sts', 'mcp_tools', 'words_alone']) {
      expect(all[`classify.${of}.dangerous_misses`], of).toBeLessThanOrEqual(0.01);
      expect(all[`classify.${of}.accuracy`], of).toBeGreaterThanOrEqual(0.85);
      expect(all[`classify.${of}.reads_held`], of).toBeLessThanOrEqual(0.15);
    }
  },
);
