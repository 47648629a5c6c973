import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GuideShell, mismatch, stepsOf } from '../harness/console-guide.ts';
import { pathWithBins, root, startRemit, type RemitProcess } from '../harness/remit-process.ts';

/** The guide to credentials, command by command, against a Remit of its own. */

const steps = stepsOf(readFileSync(join(root, 'docs/credentials.md'), 'utf8'));

let remit: RemitProcess;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-guide-'));
  remit = await startRemit();
}, 30_000);
afterAll(async () => {
  await remit.dispose();
  rmSync(folder, { recursive: true });
});

test('every command of the guide prints what the guide says', { timeout: 120_000 }, () => {
  const shell = new GuideShell(folder, {
    ...process.env,
    PATH: pathWithBins,
    REMIT_URL: remit.url,
    REMIT_DATA: remit.dataDir,
  });
  for (const { command, expected } of steps) {
    expect(mismatch(expected, shell.run(command)), command).toBeNull();
  }
  const verbs = new Set(steps.flatMap(({ command }) => /remit -- secret (\w+)/.exec(command)?.[1] ?? []));
  expect([...verbs].toSorted()).toEqual(['list', 'remove', 'reseal', 'rotate', 'set']);
});
