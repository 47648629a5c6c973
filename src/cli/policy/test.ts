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
    return files.map((file) => parseCaseFile(file, readFileSync(file, 'utf8')));
  } catch (cause) {
    if (cause instanceof InvalidConfig) throw cause;
    throw new InvalidConfig(`${folder}: cases cannot be read; check the path and its permissions`, { cause });
  }
}

type Shown = { report: CasesReport; files: CaseFile[]; folder: string; strict: boolean; update: boolean };

function show({ report, files, folder, strict, update }: Shown, given: Io): number {
  const io: Io = { ...given, out: (line) => given.out(given.json ? line : printable(line)) };
  for (const each of report.cases) showCase(each, io);
  const different = report.matrices.map((matrix) => checkMatrix(matrix, update, io));
  // A file that tests nothing looks like a test; an empty folder would look like a policy set that holds.
  const tested = new Set(
    [...report.cases, ...report.matrices.filter(({ cells }) => cells.length > 0)].map((each) => each.file),
  );
  const empty = files.map(({ file }) => file).filter((file) => !tested.has(file));
  if (files.length === 0) empty.push(join(folder, 'tests'));
  for (const where of empty) {
    if (!io.json) io.out(`FAIL  ${where}: no cases; add at least one, or nothing is tested`);
  }
  if (!io.json && report.uncovered.length > 0) {
    io.out(`${strict ? 'FAIL  ' : ''}not covered by any case: ${report.uncovered.join(', ')}`);
  }
  const failed = report.cases.filter(({ problems }) => problems.length > 0).length;
  const cells = report.matrices.reduce((sum, { cells: each }) => sum + each.length, 0);
  const wrongCells = different.reduce((sum, count) => sum + count, 0);
  const pass = failed + wrongCells + empty.length === 0 && !(strict && report.uncovered.length > 0);
  const summary = {
    pass,
    policy_set: report.policySet,
    cases: report.cases.length,
    cases_failed: failed,
    cells,
    cells_different: wrongCells,
    without_cases: empty,
    policies: report.policies.length,
    not_covered: report.uncovered,
  };
  if (io.json) io.out(JSON.stringify(summary));
  else {
    const covered = report.policies.length - report.uncovered.length;
    io.out(
      `${summary.cases - failed} of ${summary.cases} cases and ${cells - wrongCells} of ${cells} cells as expected; ` +
        `${covered} of ${report.policies.length} policies covered`,
    );
  }
  return pass ? PASSED : FAILED;
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

/** Compares one matrix with its table, or writes the table; the number of cells that are still different. */
function checkMatrix({ file, expected, cells }: MatrixResult, update: boolean, io: Io): number {
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
  return failed ? differences.length : 0;
}

function cellText({ who, operation, resource, expected, got }: CellDifference): string {
  const wanted = expected === null ? 'not in the table' : `expected ${expected}`;
  return `${who} × ${operation} × ${resource}: ${wanted}, ${got === null ? 'no longer in the matrix' : `got ${got}`}`;
}
