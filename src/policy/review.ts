import { setImmediate as nextTurn } from 'node:timers/promises';
import { InvalidConfig, InvalidRequest, NotFound } from '../core/errors.ts';
import type { DecisionRecord, LogRecord } from '../core/record.ts';
import type { Pdp, PdpParts } from '../pdp/pdp.ts';
import { policySetHash } from '../pdp/policy-set.ts';
import { parseElsewhere, preparePdp } from '../pdp/prepare.ts';
import type { Catalogue } from '../pdp/schema/catalogue.ts';
import { finishInSteps } from '../pdp/steps.ts';
import type { PolicySetStore } from '../store/ports.ts';
import { authorize, type Asker, type AuthorizeParts, type OwnAction } from '../task/authorize.ts';
import { reportOf, type CheckReport } from './check.ts';
import { diffPolicies, type DiffReport } from './diff/diff.ts';
import { explainDecision, type Explanation } from './explain.ts';
import type { InForce } from './in-force.ts';

export type ReviewParts = Omit<AuthorizeParts, 'pdp'> &
  PdpParts & {
    inForce: Pick<InForce, 'current' | 'engine'>;
    store: PolicySetStore;
    /** What there is to name, now. */
    catalogue: () => Catalogue;
    /** Whether every member of the record is known here. */
    isKnownForm: (record: DecisionRecord) => boolean;
  };

/** What people ask of policy without changing it. Each question is decided and recorded; parsing is another thread's. */
export interface Review {
  /** @throws Forbidden; InvalidRequest naming the place, for what is no policy set. */
  check(asker: Asker, files: Record<string, string>): Promise<CheckReport>;
  /** From the set in force to a draft. @throws Forbidden; InvalidRequest naming the place, for what is no policy set. */
  diff(asker: Asker, draft: { files: Record<string, string>; requests: number }): Promise<DiffReport>;
  /**
   * Under the policy set that decided.
   *
   * @throws Forbidden; NotFound; InvalidRequest for a record that is no decision; Conflict for one that does not hold
   *   what it was decided on.
   */
  explain(asker: Asker, recordId: string): Promise<Explanation>;
}

export function createReview(parts: ReviewParts): Review {
  const { store, log, inForce, sha256 } = parts;
  const deciding: AuthorizeParts = { ...parts, pdp: inForce.current };
  const permitted = async (asker: Asker, operation: OwnAction['operation'], resource: string) =>
    log.append([await authorize(asker, { operation, resources: [resource], arguments: {} }, deciding)]);
  // Parsing takes a thread and its memory: one at a time, the others wait.
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = before.then(work, work);
    before = result;
    return result;
  };

  const setOf = async (hash: string): Promise<Pdp> => {
    const current = inForce.engine();
    if (current.policySet === hash) return current;
    const files = store.policySet(hash);
    if (files === undefined) {
      throw new NotFound(
        `the policy set \`${hash}\` that decided is not kept here; name its folder with \`--policies\``,
      );
    }
    return (await inTurn(() => preparePdp({ files, hash, catalogue: null }, parts))).pdp;
  };

  return {
    check: async (asker, files) => {
      const hash = policySetHash(files, sha256);
      await permitted(asker, 'policy.read', `policy:${hash}`);
      const catalogue = parts.catalogue();
      const parsed = await inTurn(() => parseElsewhere({ files, catalogue })).catch(asInvalidRequest);
      return reportOf({ hash, ...parsed }, catalogue, parts.clock());
    },
    diff: async (asker, { files, requests }) => {
      const hash = policySetHash(files, sha256);
      const before = inForce.current();
      await permitted(asker, 'policy.read', `policy:${before.policySet}`);
      const { pdp } = await inTurn(() => preparePdp({ files, hash, catalogue: null }, parts)).catch(asInvalidRequest);
      return finishInSteps(diffPolicies(before, pdp, { catalogue: parts.catalogue(), requests }), nextTurn);
    },
    explain: async (asker, recordId) => {
      await permitted(asker, 'log.read', `record:${recordId}`);
      const index = log.indexOf(recordId);
      const found = index === undefined ? undefined : log.entries(index, 1)[0];
      if (found === undefined) throw new NotFound(`there is no record \`${recordId}\``);
      const record = JSON.parse(found.entry) as LogRecord;
      if (record.kind !== 'decision') throw new InvalidRequest(`\`${recordId}\` is not a decision: ${record.kind}`);
      const hash = record.decision.policy_set;
      await permitted(asker, 'policy.read', `policy:${hash}`);
      return finishInSteps(explainDecision(record, { ...parts, pdp: await setOf(hash) }), nextTurn);
    },
  };
}

/** What is wrong with a set that somebody sends is theirs to mend. */
function asInvalidRequest(error: unknown): never {
  throw error instanceof InvalidConfig ? new InvalidRequest(error.message, { cause: error }) : error;
}
