import type { TargetConfig } from '../config/config.ts';
import type { FindConfig, MintConfig } from '../config/mint.ts';
import { RemitError } from '../core/errors.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import { moved, replaceHandles, type Lease, type LeaseState } from '../core/lease.ts';
import { redactText } from '../core/redact.ts';
import type { LeaseStore } from '../store/ports.ts';
import type { LeasePoint } from './fail-point.ts';
import { findCall, foundIn } from './find-minted.ts';
import type { HeldValues } from './held-values.ts';
import { isGone } from './is-gone.ts';
import { leaseEvent, type LeaseEvent } from './lease-event.ts';
import { mapTexts } from './map-texts.ts';
import { endOf } from './what-came.ts';
import type { OpenCaller, TargetCaller } from './target-call.ts';

export type CleanUpParts = {
  store: LeaseStore;
  targets: ReadonlyMap<string, Pick<TargetConfig, 'operations' | 'timeoutMs'>>;
  values: HeldValues;
  /** Resolves when no call of the task that mints is under way. */
  landed: (task: string) => Promise<void>;
  openCaller: OpenCaller;
  clock: () => number;
  newId: (prefix: string) => string;
  failPoint: LeasePoint;
  onProblem: (error: unknown, about: string) => void;
};

/** Takes back what tasks have minted. Whatever fails stays outstanding, and is tried again by the same code. */
export interface CleanUp {
  /** All that the ended task has left. Resolves with the ids of what is over by that. */
  end(task: string): Promise<string[]>;
  /** One lease, whether or not its task has ended. `why` is for the record. */
  revoke(id: string, why: { by: string | null; reason: string }): Promise<Lease | undefined>;
  /** Asks the target, where it can be asked, what came of a call that was not answered. */
  find(id: string): Promise<Lease | undefined>;
  outstanding(task: string): string[];
}

/** What a target does not list so long after a call was given up is not made by it any more. */
const SETTLED_AFTER_MS = 60_000;
/** So many leases of a task are taken back by one attempt; the next takes up the rest. */
const BATCH = 500;
const MAX_PROBLEM = 300;

type Why = { by: string | null; reason: string };

export function createCleanUp(parts: CleanUpParts): CleanUp {
  const { store, values, clock, failPoint } = parts;
  /** One attempt at a time for a lease: a second caller waits for it, and finds what it has come to. */
  const underWay = new Map<string, Promise<Lease | undefined>>();
  const event = (name: LeaseEvent, lease: Lease, about?: JsonObject) =>
    leaseEvent(name, lease, { id: parts.newId('rec'), time: clock() }, about);

  async function over(lease: Lease, to: LeaseState, name: LeaseEvent, { by, reason }: Why): Promise<Lease> {
    const now = moved(lease, to, { problem: null, over: { at: clock(), by, reason } });
    await store.saveLease({ lease: now, from: [lease.state] }, [event(name, now, { by, reason })]);
    values.forget(lease.id);
    return store.lease(lease.id) ?? now;
  }

  /** By its declared call. INVARIANT 5: that it is tried is durable before the target hears of it. */
  async function call(lease: Lease, caller: TargetCaller, why: Why): Promise<Lease> {
    if (lease.end.by !== 'call') return lease;
    const { operation } = lease.end;
    const args = revealed(lease.end.arguments);
    // Without the value the target would be asked about something else, and some say of whatever they do not know that it is gone.
    if (args === null) return failed(lease, 'what its call needs cannot be opened any more');
    const attempt: Lease = { ...lease, attempts: lease.attempts + 1 };
    const begun = await store.saveLease({ lease: attempt, from: ['held'] }, [
      event('lease.revoking', attempt, { by: why.by, reason: why.reason, attempt: attempt.attempts, call: operation }),
    ]);
    if (begun !== 'saved') return store.lease(lease.id) ?? lease;
    failPoint('lease.revoking');
    let problem: string;
    try {
      const said = await caller.call(operation, args);
      if (isGone(said, attempt)) {
        failPoint('lease.gone');
        const revoked = await over(attempt, 'revoked', 'lease.revoked', why);
        failPoint('lease.revoked');
        return revoked;
      }
      problem = said.said === 'refused' ? `the target refused: ${said.text}` : 'the target did not say';
    } catch (error) {
      if (!(error instanceof RemitError)) throw error;
      problem = error.message;
    }
    return failed(attempt, problem);
  }

  /** INVARIANT 14: what a target says may repeat what it was told. */
  async function failed(lease: Lease, problem: string): Promise<Lease> {
    const told = values.hide({ target: lease.target, task: lease.task }, redactText(problem));
    const kept: Lease = { ...lease, problem: told.slice(0, MAX_PROBLEM).toWellFormed() };
    await store.saveLease({ lease: kept, from: ['held'] }, []);
    return kept;
  }

  function revealed(args: JsonObject): JsonObject | null {
    let missing = false;
    const filled = mapTexts(args, (text) =>
      replaceHandles(text, (id, handle) => {
        const value = values.valueOf(id);
        missing ||= value === undefined;
        return value ?? handle;
      }),
    ) as JsonObject;
    return missing ? null : filled;
  }

  function once(id: string, attempt: () => Promise<Lease | undefined>): Promise<Lease | undefined> {
    const running = underWay.get(id);
    if (running !== undefined) return running;
    const started = attempt().finally(() => underWay.delete(id));
    underWay.set(id, started);
    return started;
  }

  /**
   * INVARIANT 5: that it is asked is durable first. What it lists and no lease knows is what the call has made, when that is
   * no more than the calls that are in doubt; and when it lists nothing, after a while, nothing was made.
   */
  async function ask(lease: Lease, find: FindConfig, caller: TargetCaller): Promise<Lease> {
    const args = findCall(find, lease);
    if (args === null) return lease;
    const about = { attempt: lease.attempts + 1, call: find.operation };
    const attempt: Lease = { ...lease, attempts: lease.attempts + 1 };
    const begun = await store.saveLease({ lease: attempt, from: ['doubtful'] }, [event('lease.asked', attempt, about)]);
    if (begun !== 'saved') return store.lease(lease.id) ?? lease;
    const said = await caller.call(find.operation, args).catch((error: unknown) => {
      if (!(error instanceof RemitError)) throw error;
      return { said: 'refused' as const, text: error.message, gone: false };
    });
    const ids = said.said === 'done' ? foundIn(said.answer, find, attempt) : null;
    const { target, operation } = attempt;
    const free = ids?.filter((identifier) => !isKnown({ target, operation, identifier }));
    if (free === undefined) {
      return stillDoubtful(
        attempt,
        `what there is could not be asked: ${said.said === 'refused' ? said.text : 'no such list'}`,
      );
    }
    const alike = store
      .leases({ target, state: 'doubtful', limit: BATCH })
      .filter(
        (other) => other.operation === operation && canonicalJson(other.inputs) === canonicalJson(attempt.inputs),
      );
    if (free.length > alike.length) {
      return stillDoubtful(
        attempt,
        `any of ${free
          .slice(0, 10)
          .map((id) => `\`${id}\``)
          .join(', ')} may be it`,
      );
    }
    const [identifier] = free;
    if (identifier !== undefined) {
      const mint = mintOf(attempt)!;
      const held = moved(attempt, 'held', { identifier, problem: null, end: endOf(mint, attempt, identifier) });
      await store.saveLease({ lease: held, from: ['doubtful'] }, [
        event('lease.held', held, { found_by: find.operation }),
      ]);
      return store.lease(lease.id) ?? held;
    }
    const patience = (parts.targets.get(target)?.timeoutMs ?? 0) + SETTLED_AFTER_MS;
    if (clock() - attempt.madeAt < patience) return stillDoubtful(attempt, attempt.problem ?? 'it is not listed yet');
    return over(attempt, 'none', 'lease.none', {
      by: null,
      reason: `the target does not list it: \`${find.operation}\``,
    });
  }

  async function stillDoubtful(lease: Lease, problem: string): Promise<Lease> {
    const kept: Lease = { ...lease, problem: redactText(problem).slice(0, MAX_PROBLEM).toWellFormed() };
    await store.saveLease({ lease: kept, from: ['doubtful'] }, []);
    return kept;
  }

  function isKnown({ operation, ...filter }: { target: string; operation: string; identifier: string }): boolean {
    return store.leases({ ...filter, limit: BATCH }).some((lease) => lease.operation === operation);
  }

  function mintOf({ target, operation }: Lease): MintConfig | undefined {
    const operations = parts.targets.get(target)?.operations;
    return operations !== undefined && Object.hasOwn(operations, operation) ? operations[operation]?.mints : undefined;
  }

  /** What needs nobody else, and what a call that nobody has followed to its end has left. */
  async function settleHere(lease: Lease, why: Why): Promise<Lease> {
    if (lease.state === 'intended') {
      const problem = 'nobody knows what came of the call';
      const doubtful = moved(lease, 'doubtful', { problem });
      await store.saveLease({ lease: doubtful, from: ['intended'] }, [event('lease.doubtful', doubtful, { problem })]);
      return store.lease(lease.id) ?? doubtful;
    }
    if (lease.state === 'waiting') return over(lease, 'discarded', 'lease.discarded', why);
    if (lease.state !== 'held') return lease;
    if (lease.end.by === 'forgetting') return over(lease, 'discarded', 'lease.discarded', why);
    if (lease.end.by === 'keeping') return over(lease, 'kept', 'lease.kept', why);
    return lease;
  }

  async function endAt(target: string, leases: readonly Lease[], why: Why | null): Promise<void> {
    let caller: TargetCaller | undefined;
    try {
      for (const { id } of leases) {
        await once(id, async () => {
          let lease = store.lease(id);
          const find = lease?.state === 'doubtful' ? (mintOf(lease)?.find ?? null) : null;
          if (lease !== undefined && find !== null) {
            caller ??= await parts.openCaller(target, lease).catch((error: unknown) => unreachable(error));
            lease = await ask(lease, find, caller);
          }
          if (why === null || lease?.state !== 'held' || lease.end.by !== 'call') return lease;
          caller ??= await parts.openCaller(target, lease).catch((error: unknown) => unreachable(error));
          return call(lease, caller, why);
        });
      }
    } finally {
      await caller?.close();
    }
  }

  return {
    end: async (task) => {
      await parts.landed(task);
      const before = store.leases({ task, outstanding: true, limit: BATCH });
      const why = { by: null, reason: 'its task has ended' };
      for (const { id } of before) {
        await once(id, async () => {
          const lease = store.lease(id);
          return lease === undefined ? lease : settleHere(lease, why);
        });
      }
      const byTarget = Map.groupBy(before, ({ target }) => target);
      await Promise.all(
        byTarget
          .entries()
          .map(([target, leases]) =>
            endAt(target, leases, why).catch((error: unknown) =>
              parts.onProblem(error, `what \`${task}\` has minted at \`${target}\` is not taken back`),
            ),
          ),
      );
      const left = new Set(store.outstandingLeases(task));
      return before.map(({ id }) => id).filter((id) => !left.has(id));
    },
    revoke: async (id, why) => {
      const lease = store.lease(id);
      if (lease === undefined) return undefined;
      await endAt(lease.target, [lease], why);
      return store.lease(id);
    },
    find: async (id) => {
      const lease = store.lease(id);
      if (lease === undefined || mintOf(lease)?.find == null) return lease;
      await endAt(lease.target, [lease], null);
      return store.lease(id);
    },
    // All of them: what is not named here counts as ended.
    outstanding: (task) => store.outstandingLeases(task),
  };
}

/** A target that cannot be reached refuses each call, so that each lease says why it is still there. */
function unreachable(error: unknown): TargetCaller {
  return {
    call: () => Promise.reject(error instanceof Error ? error : new Error('unreachable', { cause: error })),
    close: async () => {},
  };
}
