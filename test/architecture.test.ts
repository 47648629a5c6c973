import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const core = join(root, 'src/core');

test('core is synchronous: no async function, promise or await', () => {
  const offenders = readdirSync(core)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter((name) => /\basync\b|\bawait\b|\bPromise\b/.test(stripComments(readFileSync(join(core, name), 'utf8'))));
  expect(offenders).toEqual([]);
});

let planted: string | undefined;
afterEach(() => {
  if (planted !== undefined) rmSync(planted);
  planted = undefined;
});

// A rule whose pattern the linter does not understand is ignored in silence, so each is seen to object.
test.each([
  ['core', "import '../pdp/pdp.ts';", 'core imports only core'],
  ['core', "import 'node:fs';", 'core imports only core'],
  ['core', 'export const x = Date.now();', 'pass `now` in'],
  ['core', 'export const x = process.env;', 'core is pure'],
  ['pdp', "import '../store/ports.ts';", 'pdp imports core only'],
  ['store', "import '../token/metadata.ts';", 'store imports core only'],
  ['config', "import '../store/ports.ts';", 'config imports core only'],
  ['token', "import '../store/sqlite/open.ts';", 'only main.ts sees a concrete store'],
  ['keys', "import '../server/app.ts';", 'capabilities do not know the surfaces'],
  ['credential', "import '../server/app.ts';", 'capabilities do not know the surfaces'],
  ['gateway', "import '../server/app.ts';", 'capabilities do not know the surfaces'],
  ['task', "import '../cli/io.ts';", 'capabilities do not know the surfaces'],
  ['provenance', "import '../cli/io.ts';", 'capabilities do not know the surfaces'],
  ['ending', "import '../cli/io.ts';", 'capabilities do not know the surfaces'],
  ['policy', "import '../cli/io.ts';", 'capabilities do not know the surfaces'],
  ['catalogue', "import '../cli/io.ts';", 'capabilities do not know the surfaces'],
  ['policy', "import '../server/app.ts';", 'capabilities do not know the surfaces'],
  ['verify', "import '../server/error-table.ts';", 'published by itself'],
  ['server', "import '../store/sqlite/open.ts';", 'only main.ts sees a concrete store'],
  ['server', "import '../main.ts';", 'nothing imports it'],
])('in %s, the linter objects to %s', (folder, source, message) => {
  planted = join(root, 'src', folder, `planted-${process.pid}.ts`);
  writeFileSync(planted, `${source}\nexport const planted = 1;\n`);
  const lint = spawnSync(join(root, 'node_modules/.bin/oxlint'), [planted], { cwd: root, encoding: 'utf8' });
  expect(lint.status).not.toBe(0);
  expect(lint.stdout).toContain(message);
});

function stripComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}
