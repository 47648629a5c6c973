import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTargetFile } from './target-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'remit-unclassified-'));
afterAll(() => rmSync(folder, { recursive: true }));

function target(text: string) {
  const file = join(folder, 'files.yaml');
  writeFileSync(
    file,
    `name: files\nkind: mcp\nupstream: { http: { url: "https://files.example/mcp" } }\nsensitivity: internal\noperations:\n${text}`,
  );
  return readTargetFile(file, folder);
}

test('an operation with a guess in the place of its effect is not there, and so denied', () => {
  const { operations, unclassified } = target('  list: { effect: read }\n  zap: { guess: write, anything: at all }\n');
  expect(Object.keys(operations)).toEqual(['list']);
  expect(unclassified).toEqual(['zap']);
  expect(target('  list: { effect: read }\n').unclassified).toBeUndefined();
});

test.each([
  ['  zap: { sensitivity: internal }\n', /files\.yaml:6: `operations\.zap\.effect`/],
  ['  zap: { efect: read }\n', /files\.yaml:6: `operations\.zap\.efect` is not a known field/],
  ['  zap: { guess: write, effect: read }\n', /files\.yaml:6: `operations\.zap\.guess` is not a known field/],
])('anything else that is not whole is an error: %s', (text, message) => {
  expect(() => target(text)).toThrow(message);
});
