import type { JsonObject, JsonValue } from './json.ts';
import { isHandle } from './lease.ts';

/**
 * What stands in records instead of a secret. INVARIANT 14: arguments are shown in full to approvers and in records,
 * but for what is named like a credential or looks like one.
 */
export const REDACTED = '[redacted]';

const SECRET_NAME = /pass(word|wd|phrase)?$|secret|token|api[_-]?key|credential|private[_-]?key|authorization|cookie/i;

const SECRET_SHAPES: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, // a JWS
  /\b(?:Bearer|DPoP|Basic)\s+[A-Za-z0-9._~+/=-]{16,}/gi,
  /\b(?:(?:sk|pk|rk|gh[oprsu]|glpat|xox[abprs])[-_][A-Za-z0-9_-]{12,}|A[KS]IA[A-Z0-9]{16})/g,
];

const MAX_TEXT = 4096;
const MAX_TOTAL = 32 * 1024;

/**
 * The arguments as they may stand in a record: secrets replaced, and long texts cut with their length stated, so that
 * one record stays well under the limit of a log entry. The digest beside them is over the arguments as they were.
 */
export function redactArguments(value: JsonObject): JsonObject {
  const budget = { left: MAX_TOTAL };
  return redact(value, budget) as JsonObject;
}

/** The arguments with secrets replaced and nothing cut: for who has to read all of it before they say yes. */
export function redactSecrets(value: JsonObject): JsonObject {
  return redact(value, null) as JsonObject;
}

/** Free text, such as an upstream's error, with what looks like a credential replaced. */
export function redactText(text: string): string {
  return SECRET_SHAPES.reduce(
    (kept, shape) => kept.replace(shape, (found) => (isHandle(found.replace(/^\w+\s+/, '')) ? found : REDACTED)),
    text.toWellFormed(),
  );
}

/** Every text of a value as by `redactText`; names are kept, and nothing is cut. For what has a form of its own. */
export function redactTexts(value: JsonValue): JsonValue {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redactTexts);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, redactTexts(member)]));
}

/** The handle of a lease is no secret: it says which one is used. */
function isNamedSecret(name: string, member: JsonValue): boolean {
  return SECRET_NAME.test(name) && member !== null && !(typeof member === 'string' && isHandle(member));
}

type Budget = { left: number };

/** @param budget what may be kept; `null` for all of it. */
function redact(value: JsonValue, budget: Budget | null): JsonValue {
  if (isSpent(budget)) return '[cut]';
  if (typeof value === 'string') return cut(redactText(value), budget);
  if (Array.isArray(value)) {
    const kept: JsonValue[] = [];
    for (const item of value) {
      if (isSpent(budget)) {
        kept.push(`[cut: ${value.length - kept.length} more]`);
        break;
      }
      kept.push(redact(item, budget));
    }
    return kept;
  }
  if (value !== null && typeof value === 'object') {
    const kept: [string, JsonValue][] = [];
    for (const [name, member] of Object.entries(value)) {
      if (isSpent(budget)) {
        kept.push(['[cut]', Object.keys(value).length - kept.length]);
        break;
      }
      take(budget, name.length);
      const shown = budget === null ? name : cutName(name);
      kept.push([shown, isNamedSecret(name, member) ? REDACTED : redact(member, budget)]);
    }
    // `fromEntries` defines own members, so that a member named `__proto__` stays data.
    return Object.fromEntries(kept);
  }
  take(budget, 8);
  return value;
}

function isSpent(budget: Budget | null): boolean {
  return budget !== null && budget.left <= 0;
}

function take(budget: Budget | null, size: number): void {
  if (budget !== null) budget.left -= size;
}

function cut(text: string, budget: Budget | null): string {
  if (budget === null) return text;
  const room = Math.min(MAX_TEXT, Math.max(0, budget.left));
  // What counts is the size as JSON: a control character takes six bytes.
  budget.left -= new TextEncoder().encode(JSON.stringify(text.slice(0, room))).length;
  if (text.length <= room) return text;
  return `${text.slice(0, room).replace(/[\ud800-\udbff]$/, '')}[cut: ${text.length} characters in all]`;
}

function cutName(name: string): string {
  return name.length <= 256 ? name : `${name.slice(0, 256).replace(/[\ud800-\udbff]$/, '')}…`;
}
