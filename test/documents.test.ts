import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './harness/remit-process.ts';

/** Documents of this repository; those of packages are not ours. */
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n');

/** Where links lead to, without the place within the document. */
function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^(?:[a-z]+:|#)/.test(link));
}

/** Files and folders of the repository that a text names as code: `src/core/task.ts`, docs/adr/0003. */
function namedIn(text: string): string[] {
  const named = [...text.matchAll(/(?<![\w./-])((?:src|docs|test|examples|schema|migrations)\/[\w./-]*[\w/])/g)];
  return named.map(([, path]) => path!);
}

function exists(path: string): boolean {
  if (existsSync(join(root, path))) return true;
  // A decision is named by its number.
  return /^docs\/adr\/\d{4}$/.test(path) && DECISIONS.has(path.slice('docs/adr/'.length));
}

const DECISIONS = new Set(
  documents.filter((path) => path.startsWith('docs/adr/')).map((path) => path.slice('docs/adr/'.length).slice(0, 4)),
);

test.each(documents)('%s leads nowhere that is not there', (document) => {
  const text = readFileSync(join(root, document), 'utf8');
  const links = linksOf(text).map((link) => join(dirname(document), link.split('#')[0]!));
  const gone = [...links, ...namedIn(text)].filter((path) => !exists(path));
  expect(gone).toEqual([]);
});
