import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const core = join(import.meta.dirname, '../src/core');

test('core is synchronous: no async function, promise or await', () => {
  const offenders = readdirSync(core)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter((name) => /\basync\b|\bawait\b|\bPromise\b/.test(stripComments(readFileSync(join(core, name), 'utf8'))));
  expect(offenders).toEqual([]);
});

function stripComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}
