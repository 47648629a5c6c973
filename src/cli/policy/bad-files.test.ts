import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HOSTILE_SETS, OPEN } from '../../../test/fixtures/hostile-policies.ts';
import { runCommand } from '../commands.ts';

/** The commands on folders and files that nobody would make on purpose. */

let folder: string;
let out: string[];
let err: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-bad-'));
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);
const write = (name: string, content: string | Buffer) => writeFileSync(at(name), content);

/** Each makes `b.cedar` in a folder with a good `a.cedar`. */
const FILES: [string, () => void, RegExp][] = [
  ['a folder', () => mkdirSync(at('b.cedar')), /b\.cedar: is not a file/],
  ['a link to nothing', () => symlinkSync(at('nowhere'), at('b.cedar')), /b\.cedar: cannot be read/],
  ['a link to itself', () => symlinkSync(at('b.cedar'), at('b.cedar')), /b\.cedar: cannot be read/],
  ['a pipe', () => void execFileSync('mkfifo', [at('b.cedar')]), /b\.cedar: is not a file/],
  ['not UTF-8', () => write('b.cedar', Buffer.from([...Buffer.from(OPEN), 0xff])), /b\.cedar: is not UTF-8/],
  ['UTF-16', () => write('b.cedar', Buffer.from(`\uFEFF${OPEN}`, 'utf16le')), /b\.cedar: is not UTF-8/],
  ['a program', () => write('b.cedar', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0])), /b\.cedar:1/],
  ['half a policy', () => write('b.cedar', '\n\npermit ('), /b\.cedar:3/],
];

test.each(FILES)('%s: check, test and publish say which file', async (_name, make, message) => {
  write('a.cedar', OPEN);
  make();
  for (const verb of ['check', 'test', 'publish']) {
    err.length = 0;
    // Nobody answers at that address; what is said of the file is said before.
    const code = await runCommand(['policy', verb, folder, '--url', 'http://127.0.0.1:9'], {});
    // A server says what is wrong with text that could be read.
    if (verb === 'publish' && message.source.includes(':')) continue;
    expect(code, verb).toBeGreaterThan(0);
    expect(err.join('\n'), verb).toMatch(message);
  }
});

test('a file without read permission is named', async () => {
  write('a.cedar', OPEN);
  chmodSync(at('a.cedar'), 0);
  const code = await runCommand(['policy', 'check', folder], {});
  // The superuser may read everything.
  if (process.getuid?.() === 0) expect(code).toBe(0);
  else expect(err.join('\n')).toMatch(/a\.cedar: cannot be read/);
});

test('an empty folder, and one without policies, permit nothing', async () => {
  expect(await runCommand(['policy', 'check', folder], {})).toBe(2);
  write('readme.txt', OPEN);
  expect(await runCommand(['policy', 'check', folder], {})).toBe(2);
  expect(err).toEqual([expect.stringContaining('has no .cedar file'), expect.stringContaining('has no .cedar file')]);
});

test('a byte order mark, CRLF and a linked file are no obstacle', async () => {
  write('a.cedar', `\uFEFF@reason("x")\r\n${OPEN}\r\n`);
  mkdirSync(at('stored'));
  write('stored/data', '@id("b") @reason("x") forbid (principal, action, resource) when { !(context has task) };');
  symlinkSync('stored/data', at('b.cedar'));
  expect(await runCommand(['policy', 'check', folder], {})).toBe(0);
  expect(out.at(-2)).toMatch(/^2 policies: 0 errors/);
});

// What is refused is refused where sets are parsed, which has its own test; here is how a command says so.
test.each(HOSTILE_SETS.filter(({ refused }) => refused !== null).slice(0, 40))(
  '$name: check refuses it',
  async ({ files, refused }) => {
    for (const [name, text] of Object.entries(files)) write(name, text);
    expect(await runCommand(['policy', 'check', folder], {})).toBe(2);
    expect(err.join('\n')).toMatch(refused!);
  },
);

test.each(HOSTILE_SETS)('$name: fmt formats it or says what it cannot', async ({ files }) => {
  for (const [name, text] of Object.entries(files)) write(name, text);
  const code = await runCommand(['policy', 'fmt', '--check', folder], {});
  if (code > 1) expect(err.join('\n')).toMatch(/a\.cedar: \S/);
});

const STEERING = ['\u001b[2J', '\u009b31m', '\u202e', '\u0007', '\r', '\u200b', '\u2028'];

test.each(STEERING)('nothing that policy text says steers the terminal: %j', async (text) => {
  const escaped = `\\u{${text.codePointAt(0)!.toString(16)}}${text.slice(1)}`;
  write('a.cedar', `${OPEN}\n@id("x") forbid (principal, action == Action::"files:${escaped}", resource is Group);`);
  write('b.cedar', `permit (principal is ${text} Agent, action, resource);`);
  await runCommand(['policy', 'check', folder], {});
  rmSync(at('b.cedar'));
  await runCommand(['policy', 'check', folder], {});
  await runCommand(['policy', 'check', at(text)], {});
  await runCommand(['policy', 'fmt', at(text)], {});
  expect(out.join('').length + err.join('').length).toBeGreaterThan(0);
  for (const line of [...out, ...err].flatMap((lines) => lines.split('\n'))) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }
});
