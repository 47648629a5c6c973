/** The authorization scenarios of the MCP conformance suite: which apply, how they come out, and why the others do not. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root, startRemit } from '../../harness/remit-process.ts';
import type { Report } from '../report.ts';

const SUITE = join(root, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

type Exempt = { scenarios: string[]; why: string; fails_with?: string };

export async function runMcpAuthSuite(report: Report): Promise<void> {
  const exempt = parse(await readFile(join(import.meta.dirname, 'mcp-auth.yaml'), 'utf8')) as Exempt[];
  const listed = new Map(exempt.flatMap((one) => one.scenarios.map((name) => [name, one] as const)));
  const known = scenariosOf(await suite(['list']));
  if (known.length === 0) throw new Error('the conformance suite names no scenarios; see whether it can be started');
  for (const name of known) {
    const one = listed.get(name);
    if (one === undefined) report.failed(name, 'is neither run nor named in mcp-auth.yaml with a reason');
    else if (one.fails_with === undefined) report.note(`- ${name}: ${one.why}`);
    else await runExempt(name, one, report);
  }
  const unknown = [...listed.keys()].filter((name) => !known.includes(name));
  for (const name of unknown) report.failed(name, 'is in mcp-auth.yaml and unknown to the conformance suite');
  if (unknown.length === 0) report.passed('each scenario of mcp-auth.yaml is one of the conformance suite');
}

/** A scenario that fails for a reason that is known must fail for that reason alone. */
async function runExempt(name: string, { fails_with: reason, why }: Exempt, report: Report): Promise<void> {
  const remit = await startRemit();
  try {
    const output = await suite(['authorization', '--url', remit.url, '--scenario', name]);
    const seen = /^ *Error: (.*)$/m.exec(output)?.[1]?.trim();
    if (seen === reason) report.passed(`${name} fails for nothing but what is not offered`);
    else report.failed(name, `came out otherwise than mcp-auth.yaml says: ${seen ?? 'passed'}`);
    report.note(`- ${name}: ${why}`);
  } finally {
    await remit.dispose();
  }
}

/** Of authorization servers, and of clients in their authorization. */
function scenariosOf(list: string): string[] {
  const names = [...list.matchAll(/^ {2}- (\S+)/gm)].map(([, name]) => name!);
  const servers = list.slice(list.indexOf('Authorization server scenarios'));
  return names.filter((name) => name.startsWith('auth/') || servers.includes(`- ${name} `));
}

function suite(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    // The exit code says that a check failed; which, and whether it matters, is in the text.
    execFile(process.execPath, [SUITE, ...args], { cwd: root }, (_error, stdout) => resolve(stdout));
  });
}
