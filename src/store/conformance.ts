import { describe } from 'vitest';
import { admissionConformance } from './conformance/admission.ts';
import { assertionConformance } from './conformance/assertions.ts';
import { agentConformance } from './conformance/agents.ts';
import { approvalHistoryConformance } from './conformance/approval-history.ts';
import { approvalConformance } from './conformance/approvals.ts';
import { definitionConformance } from './conformance/definitions.ts';
import { endingConformance } from './conformance/endings.ts';
import { leaseConformance } from './conformance/leases.ts';
import { logConformance } from './conformance/log.ts';
import { policySetConformance } from './conformance/policy-sets.ts';
import { revocationConformance } from './conformance/revocations.ts';
import { revokedTokenConformance } from './conformance/revoked-tokens.ts';
import { sealedValueConformance } from './conformance/sealed-values.ts';
import { runConformance } from './conformance/runs.ts';
import { standingAnswerConformance } from './conformance/standing-answers.ts';
import type { OpenStore } from './conformance/subject.ts';
import { taskConformance } from './conformance/tasks.ts';
import { trailConformance } from './conformance/trails.ts';
import { webhookConformance } from './conformance/webhooks.ts';

/** What every adapter of `Store` must do. Call it in a test file of the adapter. */
export function storeConformance(name: string, open: OpenStore): void {
  describe(`${name}: store conformance`, () => {
    describe('tasks', () => taskConformance(open));
    describe('trails', () => trailConformance(open));
    describe('identity assertions', () => assertionConformance(open));
    describe('runs', () => runConformance(open));
    describe('admission', () => admissionConformance(open));
    describe('approvals', () => approvalConformance(open));
    describe('histories of approvals', () => approvalHistoryConformance(open));
    describe('standing answers', () => standingAnswerConformance(open));
    describe('webhooks', () => webhookConformance(open));
    describe('definitions', () => definitionConformance(open));
    describe('policy sets', () => policySetConformance(open));
    describe('revoked tokens', () => revokedTokenConformance(open));
    describe('agents', () => agentConformance(open));
    describe('revocation feed', () => revocationConformance(open));
    describe('endings', () => endingConformance(open));
    describe('sealed values', () => sealedValueConformance(open));
    describe('leases', () => leaseConformance(open));
    describe('log', () => logConformance(open));
  });
}
