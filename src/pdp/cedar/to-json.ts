import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { DetailedError, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { LONG_MARK } from './expression.ts';
import { markLongs, type Statement } from './split.ts';

type Problem = Pick<DetailedError, 'message' | 'sourceLocations'>;
export type ToJson = { ok: true; json: PolicyJson } | { ok: false; error: Problem | undefined };

/**
 * One policy or template in Cedar's JSON policy format, its integers beyond 2^53 marked instead of rounded. Cedar reads
 * the text as it is first, so what it refuses is refused, and its places in the text are right.
 */
export function policyToJson(statement: Pick<Statement, 'text' | 'isTemplate' | 'bigIntegers'>): ToJson {
  const read = statement.isTemplate ? cedar.templateToJson : cedar.policyToJson;
  const answer = read(statement.text);
  if (answer.type === 'failure') return { ok: false, error: answer.errors[0] };
  // Written out it is refused before; this is the mark in escapes, which would pass for an integer.
  if (statement.text.includes('\\u{') && JSON.stringify(answer.json).includes(LONG_MARK)) {
    return { ok: false, error: { message: 'a policy holds a reserved character, U+10FFFF' } };
  }
  if (statement.bigIntegers.length === 0) return { ok: true, json: answer.json };
  const marked = read(markLongs(statement));
  if (marked.type === 'failure') return { ok: false, error: marked.errors[0] };
  return { ok: true, json: marked.json };
}
