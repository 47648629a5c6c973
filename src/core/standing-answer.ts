import type { Action } from './action.ts';
import type { Approval } from './approval.ts';
import { canonicalJson, type JsonValue } from './json.ts';
import type { Delegator } from './party.ts';
import { REDACTED } from './redact.ts';
import { matchesPattern } from './resource.ts';

export const STANDING_STATES = ['active', 'used_up', 'revoked', 'expired', 'closed'] as const;
export type StandingState = (typeof STANDING_STATES)[number];

/**
 * "The next five like this": a yes given beforehand, for one operation at one target within one task, while the policy set
 * is the same. Each use is decided and recorded by itself. Times in ms since the epoch.
 */
export type StandingAnswer = {
  /** `sta_…` */
  id: string;
  task: string;
  /** The approval that it was given with. */
  approval: string;
  target: string;
  operation: string;
  /** Of which each resource has to match one; for actions without any, empty. */
  resources: ({ exactly: string } | { like: string })[];
  /** By name, and no other argument may be there: this value, a text like this pattern, or whatever it holds. */
  arguments: Record<string, ArgumentMatch>;
  policySet: string;
  /** Who said yes. */
  approvers: Delegator[];
  uses: number;
  usesLeft: number;
  state: StandingState;
  createdAt: number;
  expiresAt: number;
};

export type ArgumentMatch = { exactly: JsonValue } | { like: string } | { any: true };

/** What of the approved action may be otherwise the next times. Everything else stays as it was. */
export type Variation = {
  /** Patterns (see resource.ts). */
  resources?: string[];
  /** A pattern, or `null` for any value. */
  arguments?: Record<string, string | null>;
};

/** The matches for actions like the approved one, or why there can be none. */
export function matchesOf(
  { card }: Pick<Approval, 'card'>,
  vary: Variation,
): Pick<StandingAnswer, 'resources' | 'arguments'> | { problem: string } {
  const varied = vary.arguments ?? {};
  for (const name of Object.keys(varied)) {
    if (!Object.hasOwn(card.arguments, name)) return { problem: `the action has no argument \`${name}\` to vary` };
  }
  const matches: [string, ArgumentMatch][] = [];
  for (const [name, value] of Object.entries(card.arguments)) {
    const pattern = Object.hasOwn(varied, name) ? varied[name] : undefined;
    if (pattern === null) matches.push([name, { any: true }]);
    else if (pattern === undefined) {
      if (canonicalJson(value).includes(REDACTED)) {
        return {
          problem: `\`${name}\` holds a secret that is not kept, so it cannot be the same again; answer each by itself`,
        };
      }
      matches.push([name, { exactly: value }]);
    } else if (typeof value !== 'string' || !matchesPattern(pattern, value)) {
      return { problem: `\`${name}\` of the action itself is not like the pattern` };
    } else matches.push([name, { like: pattern }]);
  }
  const resources = vary.resources?.map((like) => ({ like })) ?? card.resources.map((name) => ({ exactly: name }));
  if (!areCovered(card.resources, resources)) {
    return { problem: 'the resources of the action itself are not like the patterns' };
  }
  return { resources, arguments: Object.fromEntries(matches) };
}

/** Whether the action is one that this answer was given for. INVARIANT 8: nothing that it does not name may be otherwise. */
export function standsFor(
  standing: StandingAnswer,
  action: Action,
  { policySet, now }: { policySet: string; now: number },
): boolean {
  const { target, operation, resources, arguments: matches } = standing;
  if (standing.usesLeft < 1 || now >= standing.expiresAt || standing.policySet !== policySet) return false;
  if (target !== action.target || operation !== action.operation) return false;
  if (!areCovered(action.resources, resources)) return false;
  const names = Object.keys(action.arguments);
  if (names.length !== Object.keys(matches).length) return false;
  return names.every((name) => Object.hasOwn(matches, name) && isMatch(matches[name]!, action.arguments[name]!));
}

function areCovered(names: readonly string[], matches: StandingAnswer['resources']): boolean {
  if (names.length === 0) return matches.length === 0;
  return names.every((name) =>
    matches.some((match) => ('exactly' in match ? match.exactly === name : matchesPattern(match.like, name))),
  );
}

function isMatch(match: ArgumentMatch, value: JsonValue): boolean {
  if ('any' in match) return true;
  if ('like' in match) return typeof value === 'string' && matchesPattern(match.like, value);
  return canonicalJson(match.exactly) === canonicalJson(value);
}
