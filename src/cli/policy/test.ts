import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { printable } from '../../audit/record-text.ts';
import { readPolicyFolder } from '../../config/policy-folder.ts';
import { InvalidConfig } from '../../core/errors.ts';
import { createCheckArguments } from '../../pdp/check-arguments.ts';
import { parseCaseFile, type CaseFile } from '../../policy/case-form.ts';
import { compareMatrix, formatMatrix, type CellDifference } from '../../policy/matrix.ts';
import { runCases, type CaseResult, type CasesReport, type MatrixResult } from '../../policy/run-cases.ts';
import { UsageError, type Command, type Io } from '../io.ts';

export const POLICY_TEST_USAGE = `remit policy test [FOLDER] [--strict] [--update]
                  run the cases in FOLDER/tests against FOLDER/*.cedar (policies); --strict: every policy must
                  decide some case; --update: write the tables of matrices anew`;

const PASSED = 0;
const FAILED = 1;
const UNUSABLE = 2;

/** Exit code 0 when all is as expected, 1 when something is not or nothing was tested, 2 for files without sense. */
export const policyTest: Command = async (args, io) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { strict: { type: 'boolean', default: false }, update: { type: 'boolean', default: false } },
  });
  const [folder = 'policies', ...more] = positionals;
  if (more.length > 0) throw new UsageError(POLICY_TEST_USAGE);
  try {
    const policies = readPolicyFolder(folder);
    const files = readCaseFiles(join(folder, 'tests'));
    const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
    const report = runCases(policies, files, { sha256, checkArguments: createCheckArguments() });
    return show({ report, files, folder, strict: values.strict, update: values.update }, io);
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error;
    io.err(printable(`remit: ${error.message}`));
    return UNUSABLE;
  }
};

function readCaseFiles(folder: string): CaseFile[] {
  if (!existsSync(folder)) return [];
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
    const files = names.sort().map((name) => join(folder, name));
    return withTablesOfTheirOwn(files.map((file) => parseCaseFile(file, readFileSync(file, 'utf8'))));
  } catch (cause) {
    if (cause instanceof InvalidConfig) throw cause;
    throw new InvalidConfig(`${folder}: cases cannot be read; check the path and its permissions`, { cause });
  }
}

/** Two matrices in one table would each undo what `--update` wrote for the other. */
function withTablesOfTheirOwn(files: CaseFile[]): CaseFile[] {
  const owners = new Map<string, string>();
  for (const { file, matrix } of files) {
    if (matrix === undefined) continue;
    const owner = owners.get(matrix.expected);
    if (owner !== undefined) {
      throw new InvalidConfig(`${file}: \`matrix.expected\`: ${owner} has the same table; give each matrix its own`);
    }
    owners.set(matrix.expected, file);
  }
  return files;
}

type Shown = { report: CasesReport; files: CaseFile[]; folder: string; strict: boolean; update: boolean };

function show({ report, files, folder, strict, update }: Shown, given: Io): number {
  const io: Io = { ...given, out: (line) => given.out(given.json ? line : printable(line)) };
  const { cases, matrices, policies, uncovered } = report;
  for (const each of cases) showCase(each, io);
  const differences = matrices.flatMap((matrix) => checkMatrix(matrix, update, io));
  const summary = {
    pass: false,
    policy_set: report.policySet,
    cases: cases.length,
    cases_failed: cases.filter(({ problems }) => problems.length > 0).length,
    cells: matrices.reduce((sum, { cells }) => sum + cells.length, 0),
    cells_different: differences.length,
    without_cases: withoutCases(report, files, folder),
    policies: policies.length,
    not_covered: uncovered,
  };
  const problems = summary.cases_failed + summary.cells_different + summary.without_cases.length;
  summary.pass = problems === 0 && !(strict && uncovered.length > 0);
  if (io.json) io.out(JSON.stringify(summary));
  else {
    for (const where of summary.without_cases) {
      io.out(`FAIL  ${where}: no cases; add at least one, or nothing is tested`);
    }
    if (uncovered.length > 0) io.out(`${strict ? 'FAIL  ' : ''}not covered by any case: ${uncovered.join(', ')}`);
    // A row of the table that the matrix no longer has is a difference, and no cell.
    const wrong = differences.filter(({ got }) => got !== null).length;
    io.out(
      `${summary.cases - summary.cases_failed} of ${summary.cases} cases and ` +
        `${summary.cells - wrong} of ${summary.cells} cells as expected; ` +
        `${policies.length - uncovered.length} of ${policies.length} policies covered`,
    );
  }
  return summary.pass ? PASSED : FAILED;
}

/** A file that tests nothing looks like a test, and an empty folder would look like a policy set that holds. */
function withoutCases({ cases, matrices }: CasesReport, files: readonly CaseFile[], folder: string): string[] {
  if (files.length === 0) return [join(folder, 'tests')];
  const decided = [...cases, ...matrices.filter(({ cells }) => cells.length > 0)];
  const tested = new Set(decided.map(({ file }) => file));
  return files.map(({ file }) => file).filter((file) => !tested.has(file));
}

function showCase({ file, name, decision, problems }: CaseResult, io: Io): void {
  if (io.json) {
    const { outcome, reasons, policies, controls, approvers, observed } = decision;
    const got = { outcome, reasons, policies, controls, approvers, observed };
    io.out(JSON.stringify({ file, case: name, pass: problems.length === 0, problems, got }));
  } else if (problems.length > 0) {
    io.out(`FAIL  ${file}: ${name}`);
    for (const problem of problems) io.out(`        ${problem}`);
    for (const { code, message } of decision.reasons) io.out(`        because: ${message} (${code})`);
    if (decision.policies.length > 0) io.out(`        decided by: ${decision.policies.join(', ')}`);
  }
}

/** Compares one matrix with its table, or writes the table; what is different still. */
function checkMatrix({ file, expected, cells }: MatrixResult, update: boolean, io: Io): CellDifference[] {
  const table = join(dirname(file), expected);
  const exists = existsSync(table);
  const differences = compareMatrix(exists ? readFileSync(table, 'utf8') : '', cells);
  if (update) writeFileSync(table, formatMatrix(cells));
  const failed = !update && differences.length > 0;
  if (io.json) io.out(JSON.stringify({ file, matrix: table, pass: !failed, differences }));
  else if (failed && !exists) io.out(`FAIL  ${table}: there is no such table; \`--update\` writes it`);
  else if (failed) {
    io.out(`FAIL  ${table}: \`--update\` writes it anew`);
    for (const each of differences) io.out(`        ${cellText(each)}`);
  } else if (differences.length > 0) {
    io.out(
      `wrote ${table}: ${differences.length} ${differences.length === 1 ? 'cell' : 'cells'} changed; review the table`,
    );
  }
  return failed ? differences : [];
}

function cellText({ who, operation, resource, expected, got }: CellDifference): string {
  const wanted = expected === null ? 'not in the table' : `expected ${expected}`;
  return `${who} × ${operation} × ${resource}: ${wanted}, ${got === null ? 'no longer in the matrix' : `got ${got}`}`;
}
