/**
 * The MCP conformance suite against a fixture server, directly and through the gateway. A check that comes out
 * differently is the gateway's doing: it fails, unless `mcp-differences.json` names and justifies it.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TargetConfig } from '../../src/config/config.ts';
import { startFixtureServer } from './fixture-server.ts';
import { FIXTURE_TOOLS } from './fixture-tools.ts';
import { listen } from './listen.ts';
import { createOpenGateway } from './open-gateway.ts';
import type { Report } from './report.ts';

const ROOT = join(import.meta.dirname, '../..');
const SUITE = join(ROOT, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

/** The suite's frozen sets, which also run what is pending (the header-smuggling scenarios among it). */
const RUNS = [
  ['--requirements', '2025-11-25'],
  ['--requirements', '2026-07-28'],
] as const;

type Difference = { revision: string; scenario: string; check: string; why: string };
type Check = { status: string; message: string };
/** By scenario and check; a check that is made several times is numbered. */
type Checks = Map<string, Check>;

export async function runMcpSuite(report: Report): Promise<void> {
  const allowed = JSON.parse(await readFile(join(import.meta.dirname, 'mcp-differences.json'), 'utf8')) as Difference[];
  const fixture = await startFixtureServer();
  const { gateway } = createOpenGateway([fixtureTarget(fixture.url)]);
  const front = await listen((request) => gateway.fetch(request, 'fixture'));
  const unused = new Set(allowed);
  try {
    for (const [option, revision] of RUNS) {
      report.note(`revision ${revision}`);
      const direct = await runSuite(fixture.url, [option, revision]);
      const through = await runSuite(`${front.url}/mcp/fixture`, [option, revision]);
      compare(revision, direct, through, allowed, unused, report);
    }
  } finally {
    await gateway.close();
    await front.close();
    await fixture.close();
  }
  for (const { revision, scenario, check } of unused) {
    report.failed(`${revision} ${scenario} ${check}`, 'listed as a difference, but it no longer occurs');
  }
}

/** Everything that the fixture offers, with whatever it may ask of the client: the wire alone is looked at. */
function fixtureTarget(url: string): TargetConfig {
  const operations: TargetConfig['operations'] = {
    'resources/read': { effect: 'read' },
    'prompts/get': { effect: 'read' },
  };
  for (const { tool } of FIXTURE_TOOLS) operations[tool.name] = { effect: 'execute' };
  return {
    name: 'fixture',
    kind: 'mcp',
    upstream: { kind: 'http', url, headers: {} },
    sensitivity: 'public',
    timeoutMs: 10_000,
    maxAnswerBytes: 1_000_000,
    clientCapabilities: ['sampling', 'elicitation', 'roots'],
    operations,
  };
}

function compare(
  revision: string,
  direct: Checks,
  through: Checks,
  allowed: readonly Difference[],
  unused: Set<Difference>,
  report: Report,
): void {
  for (const key of new Set([...direct.keys(), ...through.keys()])) {
    const [scenario = '', check = ''] = key.split(' ');
    const name = `${revision} ${key}`;
    const expected = direct.get(key);
    const got = through.get(key);
    if (expected?.status === got?.status) {
      // Failing alike proves nothing about the gateway.
      if (expected?.status === 'FAILURE') report.failed(name, `the fixture itself fails: ${expected.message}`);
      else report.passed(name);
      continue;
    }
    const listed = allowed.find((one) => one.revision === revision && one.scenario === scenario && one.check === check);
    if (listed !== undefined) {
      unused.delete(listed);
      report.note(`  differs as listed: ${key} (${listed.why})`);
      continue;
    }
    const seen = `${expected?.status ?? 'absent'} directly, ${got?.status ?? 'absent'} through the gateway`;
    report.failed(name, `${seen}: ${got?.message ?? expected?.message ?? ''}`);
  }
  report.note(`  ${through.size} checks`);
}

async function runSuite(url: string, options: readonly string[]): Promise<Checks> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-conformance-'));
  try {
    await new Promise<void>((resolve) => {
      const args = [SUITE, 'server', '--url', url, ...options, '--timeout', '15000', '-o', folder];
      // The exit code says that a check failed; which one, and whether it matters, is in the files.
      execFile(process.execPath, args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, () => resolve());
    });
    const checks: Checks = new Map();
    for (const run of (await readdir(folder)).toSorted()) {
      const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(run)?.[1];
      // The fixture does not offer the tasks extension: nothing would be compared but refusals.
      if (scenario === undefined || scenario.startsWith('tasks-')) continue;
      const found = JSON.parse(await readFile(join(folder, run, 'checks.json'), 'utf8')) as SuiteCheck[];
      for (const [index, { id, name, status, errorMessage }] of found.entries()) {
        // Notes of what came over the wire are no verdicts.
        if (status === 'INFO') continue;
        const same = found.slice(0, index).filter((other) => other.id === id && other.status !== 'INFO').length;
        checks.set(`${scenario} ${id}${same === 0 ? '' : `#${same}`}`, { status, message: errorMessage ?? name });
      }
    }
    if (checks.size === 0) throw new Error('the conformance suite made no checks; see whether it can be started');
    return checks;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type SuiteCheck = { id: string; name: string; status: string; errorMessage?: string };
