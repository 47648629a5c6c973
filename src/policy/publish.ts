import { Conflict, InvalidConfig, InvalidRequest, NotFound } from '../core/errors.ts';
import type { DecisionRecord, EventRecord } from '../core/record.ts';
import type { PdpParts } from '../pdp/pdp.ts';
import { policySetHash } from '../pdp/policy-set.ts';
import { preparePdp, type Prepared } from '../pdp/prepare.ts';
import type { Referee, RefereeStatus } from '../pdp/referee/referee.ts';
import type { Catalogue } from '../pdp/schema/catalogue.ts';
import type { Finding } from '../pdp/schema/validate.ts';
import type { DistrustedPolicySet, PolicyInForce, PolicySetStore } from '../store/ports.ts';
import { authorizeOrAsk, type AuthorizeOrAskParts } from '../task/authorize-or-ask.ts';
import { authorize, ownInput, type Asker, type AuthorizeParts, type OwnAction } from '../task/authorize.ts';
import { policyChanges } from './changes.ts';
import type { InForce } from './in-force.ts';

export type PublishParts = Omit<AuthorizeParts, 'pdp'> &
  PdpParts & {
    inForce: InForce;
    store: PolicySetStore & AuthorizeOrAskParts['store'];
    /** Milliseconds. */
    approvalLifetimeMs: number;
    referee: Pick<Referee, 'consider' | 'status'>;
    /** What there is to name, now. */
    catalogue: () => Catalogue;
  };

export type Published = { policySet: string; replaced: string; warnings: Finding[] };

/** `distrusted`, of a set: as it is denied now; in the list: what is stored of why. */
export type PolicyStatus = {
  inForce: PolicyInForce & { distrusted: boolean };
  history: (PolicyInForce & { distrusted: boolean })[];
  distrusted: DistrustedPolicySet[];
  referee: RefereeStatus;
};

/** Publishing policy: an action like any other, decided by the set that is in force. */
export interface Policies {
  current(asker: Asker): Promise<PolicyStatus>;
  files(asker: Asker, hash: string): Promise<Record<string, string>>;
  catalogue(asker: Asker): Promise<Catalogue>;
  /**
   * Puts a policy set in force. What cannot be used leaves everything as it is.
   *
   * @throws Forbidden, InvalidRequest naming the places, Conflict when another set came first, when one is already on
   *   its way, when this one is distrusted, or when the asker could not publish under the new set and has not accepted
   *   that.
   */
  publish(asker: Asker, request: { files: Record<string, string>; acceptLockout: boolean }): Promise<Published>;
  /**
   * Puts a set in force again that was before; without `to`, the last before this that is not distrusted. Names and types are not checked: the
   * way back stays open when the catalogue has moved on.
   */
  rollback(asker: Asker, request: { to?: string; acceptLockout: boolean }): Promise<Published>;
}

const HISTORY = 100;
const DISTRUSTED =
  'this policy set is distrusted and cannot be in force again; publish another, be it by a change to one policy';
const SHOWN_FINDINGS = 10;

export function createPolicies(parts: PublishParts): Policies {
  const { store, log, inForce } = parts;
  const deciding: AuthorizeParts = { ...parts, pdp: inForce.current };
  const asking = { ...parts, pdp: inForce.current };
  const read = async (asker: Asker, resources: string[]) =>
    log.append([await authorize(asker, { operation: 'policy.read', resources, arguments: {} }, deciding)]);
  let busy = false;

  /** @throws Conflict, InvalidRequest */
  const checkPublishable = async (asker: Asker, own: OwnAction, change: Change) => {
    const { hash, operation } = change;
    if (inForce.isDistrusted(hash)) throw new Conflict(DISTRUSTED);
    if (hash === inForce.current().policySet) throw new Conflict('this policy set is already in force');
    const files = change.files();
    const ready = await prepared({ ...change, files }, parts);
    // What would be held there, people can still let through.
    if (!change.acceptLockout && ready.pdp.decide(ownInput(asker, own, deciding)).outcome === 'deny') {
      throw new Conflict(
        `under the new policy set you could not use \`${operation}\` yourself; if that is meant, accept the lockout`,
      );
    }
    return { files, ...ready };
  };

  const enforce = async (asker: Asker, change: Change): Promise<Published> => {
    const replaces = inForce.current().policySet;
    const { hash, operation } = change;
    const own: OwnAction = { operation, resources: [`policy:${hash}`], arguments: { policy_set: hash, replaces } };
    const { record, approval } = await authorizeOrAsk(
      asker,
      {
        ...own,
        beforeAsking: async () => {
          const { files } = await checkPublishable(asker, own, change);
          return { changes: policyChanges(filesOf(store, replaces), files) };
        },
      },
      asking,
    );
    if (busy) throw await refused(record, change, new Conflict('another policy set is being published; try again'));
    busy = true;
    try {
      const { files, pdp, findings } = await checkPublishable(asker, own, change);
      const folder = store.policyHistory(1)[0]!.folder;
      const published = await store.publishPolicySet(
        { hash, files, folder, at: parts.clock(), replaces },
        [record, eventOf('policy.published', { policy_set: hash, replaces, by: operation }, parts)],
        approval,
      );
      if (published === 'distrusted') throw new Conflict(DISTRUSTED);
      if (published === 'approval_spent') throw new Conflict('the approval was used meanwhile; ask again');
      if (published === 'other_in_force') throw new Conflict('another policy set was published meanwhile; look at it');
      // Durable first: a process that dies here comes up with the new set.
      inForce.swap(pdp);
      return { policySet: hash, replaced: replaces, warnings: findings };
    } catch (error) {
      throw await refused(record, change, error);
    } finally {
      busy = false;
    }
  };

  /** The permit stands in the log together with what came of it. */
  const refused = async (record: DecisionRecord, { hash }: Change, error: unknown): Promise<unknown> => {
    const problem = error instanceof Error ? error.message : 'unknown reason';
    await log.append([
      record,
      eventOf('policy.refused', { policy_set: hash, problem: problem.slice(0, 2000).toWellFormed() }, parts),
    ]);
    return error;
  };

  return {
    current: async (asker) => {
      await read(asker, []);
      const history = store
        .policyHistory(HISTORY)
        .map((set) => ({ ...set, distrusted: inForce.isDistrusted(set.hash) }));
      const distrusted = store.distrustedPolicySets();
      return { inForce: history[0]!, history, distrusted, referee: parts.referee.status() };
    },
    files: async (asker, hash) => {
      await read(asker, [`policy:${hash}`]);
      return filesOf(store, hash);
    },
    catalogue: async (asker) => {
      await read(asker, ['catalogue']);
      return parts.catalogue();
    },
    publish: (asker, { files, acceptLockout }) => {
      const hash = policySetHash(files, parts.sha256);
      return enforce(asker, { operation: 'policy.publish', hash, files: () => files, acceptLockout, checked: true });
    },
    rollback: async (asker, { to, acceptLockout }) => {
      const current = inForce.current().policySet;
      const before = store
        .policyHistory(HISTORY)
        .find((set) => set.hash !== current && !inForce.isDistrusted(set.hash))?.hash;
      const hash = to ?? before ?? 'before';
      const files = () => filesOf(store, hash);
      return enforce(asker, { operation: 'policy.rollback', hash, files, acceptLockout, checked: false });
    },
  };
}

type Change = {
  operation: 'policy.publish' | 'policy.rollback';
  hash: string;
  /** Looked up once the change is permitted. @throws NotFound */
  files: () => Record<string, string>;
  acceptLockout: boolean;
  /** Whether names and types are checked. */
  checked: boolean;
};

/** @throws InvalidRequest with the places of what is wrong. */
async function prepared(
  { files, hash, checked }: Omit<Change, 'files'> & { files: Record<string, string> },
  parts: PublishParts,
): Promise<Prepared> {
  const ready = await preparePdp({ files, hash, catalogue: checked ? parts.catalogue() : null }, parts).catch(
    (error: unknown) => {
      throw error instanceof InvalidConfig ? new InvalidRequest(error.message, { cause: error }) : error;
    },
  );
  const errors = ready.findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return ready;
  const lines = errors.slice(0, SHOWN_FINDINGS).map(({ file, line, message }) => `${file}:${line}: ${message}`);
  const more = errors.length > SHOWN_FINDINGS ? `; and ${errors.length - SHOWN_FINDINGS} more` : '';
  throw new InvalidRequest(`${lines.join('; ')}${more}`);
}

function filesOf(store: PolicySetStore, hash: string): Record<string, string> {
  const files = store.policySet(hash);
  if (files === undefined) throw new NotFound('there is no such policy set; see `remit policy status`');
  return files;
}

function eventOf(
  event: 'policy.published' | 'policy.refused',
  subject: EventRecord['subject'],
  { newId, clock }: Pick<PublishParts, 'newId' | 'clock'>,
): EventRecord {
  return { version: 1, id: newId('rec'), time: clock(), kind: 'event', event, subject };
}
