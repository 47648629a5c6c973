/** `npm run conformance -- SUITE [--json]`: outside referees. Exit 0 when nothing differs, 1 when something does. */
import { runAuthzenSuite } from './authzen/suite.ts';
import { runModelSuite } from './cedar/model.ts';
import { runOracleSuite } from './cedar/oracle.ts';
import { runCedarSuite } from './cedar/suite.ts';
import { runMcpSuite } from './mcp.ts';
import { runMcpAuthSuite } from './oauth/mcp-auth.ts';
import { runOauthSuite } from './oauth/suite.ts';
import { createReport, type Report } from './report.ts';

type Suite = { about: string; run: (report: Report, args: readonly string[]) => Promise<void> };

const SUITES: Record<string, Suite> = {
  mcp: {
    about: 'the MCP conformance suite, directly and through the gateway, compared check by check',
    run: runMcpSuite,
  },
  cedar: {
    about: 'the published Cedar tests: FOLDER or ARCHIVE in the format of cedar-integration-tests',
    run: runCedarSuite,
  },
  oauth: {
    about: 'independent OAuth, OpenID and DPoP clients against a running Remit, for each grant',
    run: runOauthSuite,
  },
  authzen: {
    about: 'the questions of the AuthZEN interop scenario: [FILE or FOLDER]',
    run: runAuthzenSuite,
  },
  'mcp-auth': {
    about: 'the authorization scenarios of the MCP conformance suite',
    run: runMcpAuthSuite,
  },
  oracle: {
    about: 'generated policies, entities and requests against cedar-wasm: [CASES] [SEED]',
    run: runOracleSuite,
  },
  model: {
    about: 'generated decisions against a naive model of the whole decision: [CASES] [SEED]',
    run: runModelSuite,
  },
};

const args = process.argv.slice(2);
const json = args.includes('--json');
const [name, ...rest] = args.filter((arg) => arg !== '--json');
const suite = name !== undefined && Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;

if (suite === undefined) {
  const known = Object.entries(SUITES).map(([key, { about }]) => `  ${key.padEnd(8)} ${about}`);
  process.stderr.write(`usage: npm run conformance -- SUITE [--json]\n\nsuites:\n${known.join('\n')}\n`);
  process.exitCode = 2;
} else {
  const report = createReport(json, (line) => process.stdout.write(`${line}\n`));
  await suite.run(report, rest);
  process.exitCode = report.finish(name ?? '') ? 0 : 1;
}
