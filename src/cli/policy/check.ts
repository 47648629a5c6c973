import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { printable } from '../../audit/record-text.ts';
import { readPolicyFolder } from '../../config/policy-folder.ts';
import { InvalidConfig } from '../../core/errors.ts';
import { checkPolicies, type CheckReport } from '../../policy/check.ts';
import { UsageError, type Command, type Io } from '../io.ts';
import { openCatalogue } from './catalogue.ts';

export const POLICY_CHECK_USAGE =
  'remit policy check [FOLDER] [--config FILE | --server] [--strict]   validate and lint; --server asks for the catalogue';

const DEFAULT_FOLDER = 'policies';
const UNUSABLE = 2;

/** Exit code 0 without errors, 1 with (`--strict`: or with warnings), 2 for what is no policy set. */
export const policyCheck: Command = async (args, io) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      server: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
    },
  });
  if (positionals.length > 1 || (values.config !== undefined && values.server))
    throw new UsageError(POLICY_CHECK_USAGE);
  const { catalogue, checked } = await openCatalogue(values, io);
  try {
    const files = readPolicyFolder(positionals[0] ?? DEFAULT_FOLDER);
    return show(checkPolicies(files, catalogue, { sha256, now: Date.now() }), checked, values.strict, io);
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error;
    io.err(printable(`remit: ${error.message}`));
    return UNUSABLE;
  }
};

function show(report: CheckReport, checked: string, strict: boolean, io: Io): number {
  const errors = report.findings.filter(({ severity }) => severity === 'error').length;
  const warnings = report.findings.length - errors;
  if (io.json) io.out(JSON.stringify({ ...report, errors, warnings, checked }));
  else {
    for (const { file, line, severity, policy, message } of report.findings) {
      io.out(printable(`${file}:${line}: ${severity}: \`${policy}\` ${message}`));
    }
    io.out(`${report.policies} policies: ${errors} errors, ${warnings} warnings; ${checked}`);
    io.out(`policy set ${report.policySet}`);
  }
  return errors > 0 || (strict && warnings > 0) ? 1 : 0;
}

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
