import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { splitPolicies, SplitError } from './split.ts';

/** As Cedar's command line formats where it is told nothing. */
const LINE_WIDTH = 80;
const INDENT_WIDTH = 2;
/** Its time grows faster than the text. */
const LONGEST = 100_000;

/** The text in Cedar's own format, comments kept; or why it cannot be formatted. */
export function formatPolicies(text: string): { text: string } | { problem: string } {
  try {
    // For its limits: the formatter has the parser's, and gives up earlier.
    const long = splitPolicies(text).find((statement) => statement.text.length > LONGEST);
    if (long !== undefined)
      return { problem: `line ${long.line}: a policy of more than ${LONGEST} characters; split it` };
  } catch (error) {
    if (error instanceof SplitError) return { problem: `line ${error.line}: ${error.message}` };
    throw error;
  }
  try {
    const answer = cedar.formatPolicies({ policyText: text, lineWidth: LINE_WIDTH, indentWidth: INDENT_WIDTH });
    if (answer.type === 'success') return { text: answer.formatted_policy };
    return { problem: answer.errors[0]?.message ?? 'the text cannot be formatted' };
  } catch {
    return { problem: 'holds a policy too large for the formatter, such as a set of thousands; split it' };
  }
}
