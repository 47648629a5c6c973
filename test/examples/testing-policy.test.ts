import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPolicyFolder } from '../../src/config/policy-folder.ts';
import { createCheckArguments } from '../../src/pdp/check-arguments.ts';
import { parseCaseFile } from '../../src/policy/case-form.ts';
import { formatMatrix } from '../../src/policy/matrix.ts';
import { runCases } from '../../src/policy/run-cases.ts';
import { sha256 } from '../fixtures/task.ts';

/** The guide's own files, run against the policy set that it speaks of. */

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/testing-policy.md'), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text!);

test('every case passes and every cell of the table is right', () => {
  const files = blocks('yaml').map((text, place) => parseCaseFile(`block ${place + 1}`, text));
  const policies = readPolicyFolder(join(root, 'examples/policies'));
  const report = runCases(policies, files, { sha256, checkArguments: createCheckArguments() });
  expect(report.cases.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(report.cases).toHaveLength(4);
  expect(report.matrices.map(({ cells }) => formatMatrix(cells))).toEqual(blocks('text'));
});
