import type { Sha256Hex } from '../core/action.ts';
import type { Decision, DecisionInput } from '../core/decision.ts';
import { decisionRecord } from '../core/decision-record.ts';
import { delegatorId } from '../core/party.ts';
import type { CheckArguments } from '../core/grant.ts';
import { createPdp } from '../pdp/pdp.ts';
import { parsePolicySet } from '../pdp/policy-set.ts';
import type { CaseFile } from './case-form.ts';
import { caseInput } from './case-input.ts';
import { mismatches } from './expectation.ts';
import { decideMatrix, type Cell } from './matrix.ts';

export type CaseResult = {
  file: string;
  name: string;
  decision: Decision;
  /** What was not as expected, one line each; empty for a case that passed. */
  problems: string[];
};

/** A matrix as it came out; the caller has the table that it is compared with. */
export type MatrixResult = {
  file: string;
  /** Name of the table, beside the case file. */
  expected: string;
  cells: Cell[];
};

export type CasesReport = {
  policySet: string;
  cases: CaseResult[];
  matrices: MatrixResult[];
  policies: string[];
  /** Ids of the policies that determined, were lifted or were observed in no decision of all. */
  uncovered: string[];
};

/**
 * Runs cases and matrices against a policy set, by the function that decides in production.
 *
 * @throws InvalidConfig for a policy set that cannot be used, and for a case that cannot be made an input.
 */
export function runCases(
  policies: Record<string, string>,
  files: readonly CaseFile[],
  parts: { sha256: Sha256Hex; checkArguments: CheckArguments },
): CasesReport {
  const pdp = createPdp(policies, parts);
  const touched = new Set<string>();
  const decide = (input: DecisionInput): Decision => {
    const decision = pdp.decide(input);
    for (const id of [...decision.policies, ...decision.observed, ...decision.liftedByApproval]) touched.add(id);
    return decision;
  };
  const cases = files.flatMap((file) =>
    file.cases.map(({ name, expect, ...situation }) => {
      const input = caseInput(file, `case \`${name}\``, situation);
      const decision = decide(input);
      const problems = mismatches(expect, decision, recordOf(input, decision, parts.sha256));
      return { file: file.file, name, decision, problems };
    }),
  );
  const matrices = files.flatMap((file) =>
    file.matrix === undefined
      ? []
      : [{ file: file.file, expected: file.matrix.expected, cells: decideMatrix(file, file.matrix, decide) }],
  );
  const ids = [...parsePolicySet(policies, parts.sha256).policies.keys()];
  return {
    policySet: pdp.policySet,
    cases,
    matrices,
    policies: ids,
    uncovered: ids.filter((id) => !touched.has(id)),
  };
}

/** The record as the gateway would write it, with fixed ids; the token is not the policy's business. */
function recordOf(input: DecisionInput, decision: Decision, sha256: Sha256Hex) {
  const { approval } = input;
  const waits = decision.outcome === 'hold' ? { id: 'appr_case', approvers: decision.approvers } : null;
  const spent =
    approval !== null && decision.liftedByApproval.length > 0
      ? { id: approval.id, approvers: approval.approvers.map(delegatorId) }
      : null;
  return decisionRecord(
    { id: 'rec_case', request: 'req_case', input, decision, approval: waits ?? spent, token: null },
    sha256,
  );
}
