import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { LONG_MARK, type Expr } from './expression.ts';
import { CedarSet, Datetime, Decimal, Duration, EntityUid, IpAddress, type Value } from './value.ts';
import { valueToJson } from './value-json.ts';

const MARKED = new RegExp(`\\{"(?:${LONG_MARK}|\\\\u\\{10ffff\\})long": "(\\d+)"\\}\\["[^"]*"\\]`, 'giu');
const ANY = { op: 'All' } as const;

/** An expression as Cedar writes it, on one line. */
export function expressionText(body: Expr): string {
  const policy = { effect: 'permit', principal: ANY, action: ANY, resource: ANY, conditions: [{ kind: 'when', body }] };
  const text = policyText(policy as cedar.Policy);
  if (text === null) return '(an expression too large to be shown)';
  return text
    .slice(text.indexOf('when {') + 'when {'.length, text.lastIndexOf('}'))
    .replace(/\s+/g, ' ')
    .replace(MARKED, '$1')
    .trim();
}

/** `null` for a policy that nests deeper than `cedar-wasm` takes in its JSON form. */
function policyText(policy: cedar.Policy): string | null {
  try {
    const answer = cedar.policyToText(policy);
    return answer.type === 'failure' ? null : answer.text;
  } catch {
    return null;
  }
}

const SHOWN_MEMBERS = 20;
const SHOWN_CHARACTERS = 500;

/** A value for a person to read: as Cedar writes it where it has a literal, cut where it is long. */
export function valueText(value: Value): string {
  const text = whole(value);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

function whole(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof EntityUid) return `${value.type}::${JSON.stringify(value.id)}`;
  if (value instanceof CedarSet) return `[${some(value.items.map((item) => () => whole(item)))}]`;
  if (value instanceof Datetime) return dateText(Number(value.ms));
  if (value instanceof Duration) return `duration("${value.ms}ms")`;
  if (value instanceof Decimal || value instanceof IpAddress) return extensionText(value);
  // What is looked at of a record is told member by member.
  return '{…}';
}

function some(parts: (() => string)[]): string {
  const shown = parts.slice(0, SHOWN_MEMBERS).map((part) => part());
  return (parts.length > SHOWN_MEMBERS ? [...shown, '…'] : shown).join(', ');
}

function dateText(ms: number): string {
  const date = new Date(ms);
  return `datetime("${Number.isNaN(date.getTime()) ? `${ms}ms` : date.toISOString()}")`;
}

function extensionText(value: Decimal | IpAddress): string {
  const { fn, arg } = (valueToJson(value) as { __extn: { fn: string; arg: string } }).__extn;
  return `${fn}("${arg}")`;
}
