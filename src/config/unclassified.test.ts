import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTargetFile } from './target-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'remit-unclassified-'));
afterAll(() => rmSync(folder, { recursive: true }));

function operations(text: string) {
  const file = join(folder, 'files.yaml');
  writeFileSync(
    file,
    `name: files\nkind: mcp\nupstream: { http: { url: "https://files.example/mcp" } }\nsensitivity: internal\noperations:\n${text}`,
  );
  return readTargetFile(file, folder).operations;
}

test('an operation with a guess in the place of its effect is not there, and so denied', () => {
  const read = operations(
    '  list: { effect: read }\n  zap: { guess: write, sensitivity: internal, anything: at all }\n',
  );
  expect(Object.keys(read)).toEqual(['list']);
});

test.each([
  ['  zap: { sensitivity: internal }\n', /files\.yaml:6: `operations\.zap\.effect`/],
  ['  zap: { efect: read }\n', /files\.yaml:6: `operations\.zap\.efect` is not a known field/],
  ['  zap: { guess: write, effect: read }\n', /files\.yaml:6: `operations\.zap\.guess` is not a known field/],
])('anything else that is not whole is an error: %s', (text, message) => {
  expect(() => operations(text)).toThrow(message);
});
