import type { JsonObject } from '../core/json.ts';
import { splitPolicies } from '../pdp/cedar/split.ts';

/**
 * The policies that one set has and the other has not, in full: what somebody approves who approves its publication. A
 * policy that was changed is in both lists.
 */
export function policyChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): JsonObject {
  return { removed: onlyIn(before, after), added: onlyIn(after, before) };
}

function onlyIn(files: Readonly<Record<string, string>>, others: Readonly<Record<string, string>>): JsonObject[] {
  const known = new Set(Object.entries(others).flatMap(([file, text]) => statements(file, text)));
  return Object.entries(files).flatMap(([file, text]) =>
    statements(file, text)
      .filter((statement) => !known.has(statement))
      .map((statement) => ({ file, text: statement })),
  );
}

/** Links of templates are one text: each of them may matter to every policy of the file. */
function statements(file: string, text: string): string[] {
  return file.endsWith('.cedar') ? splitPolicies(text).map((statement) => statement.text.trim()) : [text];
}
