import type { Sha256Hex } from '../core/action.ts';
import { parsePolicySet, type Policy } from '../pdp/policy-set.ts';
import type { Catalogue } from '../pdp/schema/catalogue.ts';
import { validatePolicies, type Finding } from '../pdp/schema/validate.ts';
import { lintPolicies, type Lint } from './lints.ts';

export type CheckReport = { policySet: string; policies: number; findings: (Finding | Lint)[] };

/**
 * Everything that can be said of a policy set without running it: names and types under the catalogue's schema, then
 * lints. Findings are in the order of files and lines.
 *
 * @throws InvalidConfig for what is no policy set: a set is parsed whole or not at all.
 */
export function checkPolicies(
  files: Record<string, string>,
  catalogue: Catalogue,
  parts: { sha256: Sha256Hex; now: number },
): CheckReport {
  const { hash, policies } = parsePolicySet(files, parts.sha256);
  const parsed = [...policies.values()];
  return reportOf({ hash, policies: parsed, findings: validatePolicies(parsed, catalogue) }, catalogue, parts.now);
}

/** The report on policies whose names and types are checked already. */
export function reportOf(
  set: { hash: string; policies: readonly Policy[]; findings: readonly Finding[] },
  catalogue: Catalogue,
  now: number,
): CheckReport {
  // Where a policy is found wrong by its types, or to apply never, a lint would only say so again.
  const told = new Set(set.findings.map(({ policy }) => policy));
  const lints = lintPolicies(set.policies, catalogue, now).filter(
    ({ code, policy }) => code !== 'never_applies' || !told.has(policy),
  );
  const findings = [...set.findings, ...lints];
  findings.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  return { policySet: set.hash, policies: set.policies.length, findings };
}
