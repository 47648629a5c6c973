import { matchesPattern } from './resource.ts';

/** What a claim must be: exactly this value, or a text that matches a pattern (`*` but `/`, `**` anything). */
export type ClaimRule = { is: string | number | boolean } | { glob: string };

/** What is wrong with the name of a claim, or `null`. A name that starts with `/` is a JSON Pointer (RFC 6901). */
export function claimNameProblem(name: string): string | null {
  if (name === '') return 'is empty';
  if (!name.startsWith('/')) return null;
  const tokens = name.slice(1).split('/');
  if (tokens.includes('')) return 'has an empty member name';
  return tokens.some((token) => /~(?![01])/.test(token)) ? 'has a `~` that is neither `~0` nor `~1`' : null;
}

/** A claim by its name, or a nested one by JSON Pointer; `undefined` where there is none. Arrays are not entered. */
export function readClaim(claims: object, name: string): unknown {
  const path = name.startsWith('/')
    ? name
        .slice(1)
        .split('/')
        .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    : [name];
  let value: unknown = claims;
  for (const member of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, member)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[member];
  }
  return value;
}

/** Types count: the text `"1"` is not the number `1`, and a list matches nothing. */
export function claimHolds(rule: ClaimRule, value: unknown): boolean {
  if ('is' in rule) return value === rule.is;
  return typeof value === 'string' && value !== '' && matchesPattern(rule.glob, value);
}

/** Whether a rule says more than that the claim is there. */
export function claimRuleNarrows(rule: ClaimRule): boolean {
  return 'is' in rule || !/^\*+$/.test(rule.glob);
}
