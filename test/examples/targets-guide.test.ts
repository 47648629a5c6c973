import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { GuideShell, mismatch, stepsOf } from '../harness/console-guide.ts';
import { pathWithBins, root } from '../harness/remit-process.ts';

/** The guide to targets, command by command. It needs no Remit that runs. */

const folder = mkdtempSync(join(tmpdir(), 'remit-targets-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('every command of the guide prints what the guide says', { timeout: 60_000 }, () => {
  cpSync(join(root, 'examples/targets'), join(folder, 'examples/targets'), { recursive: true });
  const shell = new GuideShell(folder, { ...process.env, PATH: pathWithBins });
  const steps = stepsOf(readFileSync(join(root, 'docs/targets.md'), 'utf8'));
  for (const { command, expected } of steps) {
    expect(mismatch(expected, shell.run(command)), command).toBeNull();
  }
  const kinds = new Set(steps.flatMap(({ command }) => /target add (\w+)/.exec(command)?.[1] ?? []));
  expect([...kinds].toSorted()).toEqual(['graphql', 'mcp', 'openapi']);
});
