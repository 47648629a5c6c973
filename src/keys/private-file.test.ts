import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createPrivateFile, readPrivateFile, removeLeftovers, stagePrivateFile } from './private-file.ts';

const root = mkdtempSync(join(tmpdir(), 'remit-private-'));
afterAll(() => rmSync(root, { recursive: true }));
let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(root, 'case-')), 'keys', 'a.key');
});

test('a file is made once, for its owner alone, in a folder for its owner alone', () => {
  expect(readPrivateFile(file)).toBeNull();
  expect(createPrivateFile(file, 'one')).toBe(true);
  expect(createPrivateFile(file, 'two')).toBe(false);
  expect(readPrivateFile(file)).toEqual({ text: 'one', modifiedAt: Math.floor(statSync(file).mtimeMs) });
  expect([statSync(file).mode & 0o777, statSync(join(file, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readdirSync(join(file, '..'))).toEqual(['a.key']);
});

test('what is staged is beside the file until it is committed, and gone when it is discarded', () => {
  createPrivateFile(file, 'one');
  const kept = stagePrivateFile(file, 'two');
  expect([readPrivateFile(file)?.text, readFileSync(kept.aside, 'utf8')]).toEqual(['one', 'two']);
  expect(statSync(kept.aside).mode & 0o777).toBe(0o600);
  kept.commit();
  stagePrivateFile(file, 'three').discard();
  expect(readPrivateFile(file)?.text).toBe('two');
  expect(readdirSync(join(file, '..'))).toEqual(['a.key']);
});

test('what cannot be put in its place leaves nothing behind', () => {
  mkdirSync(join(file, 'x'), { recursive: true });
  const staged = stagePrivateFile(file, 'one');
  expect(() => staged.commit()).toThrow('cannot be written');
  expect(readdirSync(join(file, '..'))).toEqual(['a.key']);
});

test.each([0o640, 0o604, 0o620, 0o602, 0o666])('mode %o is refused, with what to do', (mode) => {
  createPrivateFile(file, 'secret');
  chmodSync(file, mode);
  expect(() => readPrivateFile(file)).toThrow(/open to others than its owner \(mode 06\d\d\): run `chmod 600` on it/);
});

test('what interrupted writes left is removed, and what somebody has put there is not', () => {
  createPrivateFile(file, 'one');
  const { aside } = stagePrivateFile(file, 'two');
  const others = ['a.key.bak', 'a.key.2026-11-25', 'b.key.4d1c2b7e-0000-4000-8000-000000000000', 'a.key.tmp'];
  for (const name of others) writeFileSync(join(file, '..', name), '');
  removeLeftovers(file);
  expect(readdirSync(join(file, '..')).sort()).toEqual(['a.key', ...others].sort());
  expect(aside).toContain('a.key.');
  removeLeftovers(join(root, 'no such folder', 'a.key'));
});
