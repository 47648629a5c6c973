import type { OperationConfig, TargetConfig } from '../config/config.ts';
import type { Action } from '../core/action.ts';
import type { TaskView } from '../core/decision.ts';
import { Conflict } from '../core/errors.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { handleOf, moved, type Lease, type NamedLease } from '../core/lease.ts';
import type { EventRecord } from '../core/record.ts';
import { REDACTED } from '../core/redact.ts';
import type { Strip } from '../credential/strip.ts';
import type { Outcome } from '../gateway/exchange.ts';
import type { LeaseStore, LogStore } from '../store/ports.ts';
import type { LeasePoint } from './fail-point.ts';
import { createFlights } from './flights.ts';
import { handlesIn, swapHandles } from './handles-in.ts';
import { createHeldValues, type HeldValues } from './held-values.ts';
import { intend, type Intended } from './intend.ts';
import { leaseEvent, type LeaseEvent } from './lease-event.ts';
import { mapTexts, replaceNumber, textsOf } from './map-texts.ts';
import { mask, masked } from './mask.ts';
import { screen, waiting, type Screened } from './screen.ts';
import { screenLines } from './screen-stream.ts';
import type { ValueSeal } from './value-seal.ts';
import { endOf, valueIn, whatCame, type Came } from './what-came.ts';

export type LedgerParts = {
  store: LeaseStore & Pick<LogStore, 'append'>;
  targets: ReadonlyMap<string, Pick<TargetConfig, 'operations'>>;
  seal: ValueSeal;
  clock: () => number;
  newId: (prefix: string) => string;
  /** `lse_` and 24 random digits and lower-case letters. */
  newLeaseId: () => string;
  failPoint: LeasePoint;
  /** Failures that nobody can be told of any more. Must not throw. */
  onProblem: (error: unknown, about: string) => void;
};

/** What a target has answered to a call that mints. */
export type MintAnswer = {
  /** The target says that the call has failed. */
  failed: boolean;
  /** With `failed`: it says so in its protocol's own words for "not done", such as a 404. */
  refused?: boolean;
  /** It has done nothing yet, and asks for something first: another call will bring that. */
  unfinished?: boolean;
  /** What the pointers of the target file lead into; absent where there is no such thing. */
  answer: JsonValue | undefined;
  /** All that would go to the agent. */
  whole: JsonObject;
};

/** What of it the agent may see: with handles in place of values, or nothing, and why. */
export type Caught = { whole: JsonObject } | { withheld: string };

/** The ledger of what tasks have minted, as the policy enforcement points use it on the way of one action. */
export interface Ledger {
  /** Steps 2 and 3: the leases whose handles stand in the arguments. Absent where there is none. */
  named(args: JsonObject): readonly NamedLease[] | undefined;
  /** Step 5: what a permitted action may bring, with the record of that; to be kept in the step of the permit. */
  intend(permitted: {
    action: Action;
    chain: readonly TaskView[];
    decision: string;
  }): (Intended & { record: EventRecord }) | null;
  /**
   * Step 6, right before it leaves: the value with each handle of these leases replaced by what it stands for. Only once the
   * use is on record.
   *
   * @throws Conflict when a lease has ended in between.
   */
  reveal<Value extends JsonValue>(value: Value, named: readonly NamedLease[] | undefined): Value;
  /** Step 6: a call that mints has begun; when it ends without an answer, the ledger says so. */
  follow(intended: Intended, outcome: Promise<Outcome>): void;
  /** Step 6, on the way back: what came to exist becomes durable before the agent sees anything of it. */
  answered(intended: Intended, answer: MintAnswer): Promise<Caught>;
  /** Step 6, on the way back: what looks like a secret in an answer, and nobody has declared. */
  screen<Value extends JsonValue>(whole: Value, screened: Omit<Screened, 'mode'>): Promise<Value>;
  /** The same for an answer that is passed on as it comes; what is found there is masked for good. */
  screenStream(screened: Omit<Screened, 'mode'>): Strip;
  /** Whether answers to the action are screened at all. */
  screening(action: Action): boolean;
  /** INVARIANT 7: the values that must be in no answer of the target. */
  valuesAt(target: string): string[];
  /** INVARIANT 7: a text of the target as the task may see it. */
  hide(from: { target: string; task: string }, text: string): string;
}

export type LedgerState = { ledger: Ledger; values: HeldValues; landed: (task: string) => Promise<void> };

export function createLedger(parts: LedgerParts): LedgerState {
  const { store, clock, failPoint } = parts;
  const values = createHeldValues();
  const flights = createFlights();
  const event = (name: LeaseEvent, lease: Lease, about?: JsonObject) =>
    leaseEvent(name, lease, { id: parts.newId('rec'), time: clock() }, about);

  async function held({ lease, mint }: Required<Intended>, came: Came): Promise<Lease> {
    // What the target calls it may be, or hold, the secret itself: then its handle stands for it here, too.
    const identifier =
      came.value === null ? came.identifier : mask(came.identifier, [masked(came.value, handleOf(lease.id))]);
    const now = moved(lease, 'held', {
      identifier,
      expiresAt: came.expiresAt,
      end: endOf(mint!, lease, identifier),
      usableAt: mint!.usableAt,
    });
    const sealed = came.value === null ? {} : { sealed: parts.seal.seal(lease.id, came.value) };
    const saved = await store.saveLease({ lease: now, from: ['intended', 'doubtful'], ...sealed }, [
      event('lease.held', now),
    ]);
    if (saved !== 'saved') throw new Conflict('what came of the call was settled before its answer came');
    if (came.value !== null) values.add(now, came.value);
    return now;
  }

  async function doubt(lease: Lease, problem: string): Promise<void> {
    const now = moved(lease, 'doubtful', { problem });
    await store.saveLease({ lease: now, from: ['intended'] }, [event('lease.doubtful', now, { problem })]);
  }

  async function nothing(lease: Lease, reason: string): Promise<void> {
    const now = moved(lease, 'none', { over: { at: clock(), by: null, reason } });
    await store.saveLease({ lease: now, from: ['intended'] }, [event('lease.none', now, { reason })]);
  }

  async function settle(
    intended: Intended,
    { failed, refused, unfinished, answer, whole }: MintAnswer,
  ): Promise<Caught> {
    const { lease, mint } = intended;
    if (unfinished === true) {
      await nothing(lease, 'the target has asked for something first');
      return { whole };
    }
    if (failed) {
      if (refused === true || mint?.failure === 'nothing')
        await nothing(lease, 'the target says that the call has failed');
      else
        await doubt(lease, 'the target says that the call has failed, and something may have been made all the same');
      // What a failure brings by the name of the secret is one, whatever it is of.
      const value = mint === null ? null : valueIn(answer, mint);
      return { whole: value === null ? whole : hidden(whole, { value, by: REDACTED }) };
    }
    const came =
      mint === null
        ? { problem: 'its target file does not say what it mints' }
        : answer === undefined
          ? { problem: 'there is no JSON in it' }
          : whatCame(answer, mint, clock());
    failPoint('lease.answered');
    if ('problem' in came) {
      await doubt(lease, `the answer is not as declared: ${came.problem}`);
      // A ticket is no secret, so nothing of its answer is.
      if (lease.kind === 'ticket') return { whole };
      return {
        withheld: `the call was carried out, but its answer may hold a secret and is kept from you: ${came.problem}; an operator finds it as lease \`${lease.id}\``,
      };
    }
    await held({ lease, mint }, came);
    failPoint('lease.held');
    return { whole: came.value === null ? whole : hidden(whole, { value: came.value, by: handleOf(lease.id) }) };
  }

  const ledger: Ledger = {
    named: (args) => {
      const ids = handlesIn(args);
      return ids.length === 0 ? undefined : ids.map((id) => ({ id, lease: shown(store.lease(id)) }));
    },
    intend: ({ action, chain, decision }) => {
      const operation = operationOf(action, parts);
      if (action.protocol) return null;
      const now = clock();
      const intended = intend(operation?.mints, { action, chain, decision, newId: parts.newLeaseId, now });
      return intended === null ? null : { ...intended, record: event('lease.intended', intended.lease) };
    },
    reveal: (value, named) => {
      if (named === undefined || named.length === 0) return value;
      const known = new Map(named.map(({ id }) => [id, values.valueOf(id)]));
      if ([...known.values()].includes(undefined)) throw new Conflict('a lease has ended; have a new one made');
      return mapTexts(value, (text) => swapHandles(text, (id, handle) => known.get(id) ?? handle)) as typeof value;
    },
    follow: (intended, outcome) => {
      const { lease, mint } = intended;
      failPoint('lease.intended');
      flights.follow({ lease: lease.id, task: lease.task }, outcome, async (came) => {
        const undone = came.nothingDone === true;
        const detail = came.detail ?? came.status;
        await (
          undone || (came.status === 'tool_error' && mint?.failure === 'nothing')
            ? nothing(lease, `nothing was done: ${detail}`)
            : doubt(lease, `its answer did not come: ${detail}`)
        ).catch((error: unknown) => parts.onProblem(error, `what came of lease \`${lease.id}\` is not kept`));
      });
    },
    answered: (intended, answer) => {
      const settled = settle(intended, answer);
      flights.settling(intended.lease.id, settled);
      return settled;
    },
    screen: async (whole, screened) => {
      const mode = operationOf(screened.action, parts)?.foundSecrets ?? 'hold';
      return (await screen(whole, { ...screened, mode }, { ...parts, values, event })) as typeof whole;
    },
    screenStream: ({ action, chain, decision }) => {
      let told = false;
      return screenLines([...textsOf(action.arguments)].join('\n'), (rule) => {
        if (told) return;
        told = true;
        const found = waiting({ action, chain, decision }, { id: '', rule }, clock());
        store
          .append([event('lease.found', found, { kept: false, rule })])
          .catch((error: unknown) => parts.onProblem(error, 'a found secret is not recorded'));
      });
    },
    screening: (action) => (operationOf(action, parts)?.foundSecrets ?? 'hold') !== 'pass',
    valuesAt: (target) => values.at(target),
    hide: (from, text) => values.hide(from, text),
  };
  return { ledger, values, landed: (task) => flights.landed(task) };
}

function operationOf({ target, operation }: Action, { targets }: LedgerParts): OperationConfig | undefined {
  const operations = targets.get(target)?.operations;
  return operations !== undefined && Object.hasOwn(operations, operation) ? operations[operation] : undefined;
}

function hidden(whole: JsonObject, { value, by }: { value: string; by: string }): JsonObject {
  const sought = [masked(value, by)];
  return replaceNumber(
    mapTexts(whole, (text) => mask(text, sought)),
    value,
    by,
  ) as JsonObject;
}

function shown(lease: Lease | undefined): NamedLease['lease'] {
  if (lease === undefined) return null;
  const { task, target, operation, kind, state, usableAt, madeAt } = lease;
  return { task, target, operation, kind, state, usableAt, madeAt };
}
