import type { Decision, DecisionInput } from '../core/decision.ts';
import type { ActionForm, CaseFile, Matrix, Situation } from './case-form.ts';
import { caseInput } from './case-input.ts';

/** One cell of a golden matrix: what came out for one pair of parties, one operation and one resource. */
export type Cell = { who: string; operation: string; resource: string; outcome: string };

/** A cell that is not as the table says. `expected` or `got` is `null` for a cell that only one of them has. */
export type CellDifference = {
  who: string;
  operation: string;
  resource: string;
  expected: string | null;
  got: string | null;
};

/** Stands where an operation is on the target as a whole. */
const NO_RESOURCE = '-';

/**
 * Decides every cell: each pair of `who` with each operation, once for each of its resources.
 *
 * @throws InvalidConfig for an operation or a party that cannot be made an input.
 */
export function decideMatrix(file: CaseFile, matrix: Matrix, decide: (input: DecisionInput) => Decision): Cell[] {
  return Object.entries(matrix.operations).flatMap(([operation, attempted]) =>
    resourcesOf(attempted.action).flatMap((resource) =>
      Object.entries(matrix.who).map(([who, parties]) => {
        const resources = resource === NO_RESOURCE ? [] : [resource];
        const situation: Situation = {
          ...parties,
          ...attempted,
          ...mergedTask(parties.task, attempted.task),
          action: { ...attempted.action, resources },
        };
        const decision = decide(caseInput(file, `matrix, \`${who}\` × \`${operation}\``, situation));
        return { who, operation, resource: oneLine(resource), outcome: outcomeText(decision) };
      }),
    ),
  );
}

function resourcesOf({ resources = [] }: ActionForm): string[] {
  return resources.length === 0 ? [NO_RESOURCE] : [...new Set(resources)];
}

/** A row may say more about the task of a column; `null` on either side means that there is none. */
function mergedTask(of: Situation['task'], by: Situation['task']): Pick<Situation, 'task'> {
  if (of === undefined && by === undefined) return {};
  return { task: of === null || by === null ? null : { ...of, ...by } };
}

function outcomeText(decision: Decision): string {
  return decision.outcome === 'hold' ? `hold(${decision.approvers.join(', ')})` : decision.outcome;
}

/** The columns of the table are two spaces apart, so no name may hold two. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** The table: a row for each operation and resource, a column for each `who`. */
export function formatMatrix(cells: readonly Cell[]): string {
  const people = [...new Set(cells.map((cell) => cell.who))];
  const rows = [['operation', 'resource', ...people]];
  for (let start = 0; start < cells.length; start += people.length) {
    const row = cells.slice(start, start + people.length);
    rows.push([row[0]!.operation, row[0]!.resource, ...row.map((cell) => oneLine(cell.outcome))]);
  }
  const widths = rows[0]!.map((_title, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((text, column) => text.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** Compares cell by cell: alignment and the order of rows and columns are free. An empty table expects nothing. */
export function compareMatrix(table: string, cells: readonly Cell[]): CellDifference[] {
  const expected = parseMatrix(table);
  const differences: CellDifference[] = [];
  for (const { who, operation, resource, outcome } of cells) {
    const key = keyOf({ who, operation, resource });
    const wanted = expected.get(key)?.outcome ?? null;
    expected.delete(key);
    if (wanted !== oneLine(outcome)) differences.push({ who, operation, resource, expected: wanted, got: outcome });
  }
  for (const { outcome, ...cell } of expected.values()) differences.push({ ...cell, expected: outcome, got: null });
  return differences;
}

function parseMatrix(table: string): Map<string, Cell> {
  const [titles = [], ...rows] = table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s{2,}/));
  const cells = rows.flatMap(([operation = '', resource = '', ...outcomes]) =>
    outcomes.map((outcome, column) => ({
      who: titles[column + 2] ?? `column ${column + 3}`,
      operation,
      resource,
      outcome,
    })),
  );
  return new Map(cells.map((cell) => [keyOf(cell), cell]));
}

function keyOf({ who, operation, resource }: Omit<Cell, 'outcome'>): string {
  return JSON.stringify([who, operation, resource]);
}
