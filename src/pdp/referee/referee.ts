import { setTimeout as pause } from 'node:timers/promises';
import type { Decision, DecisionInput, Reason } from '../../core/decision.ts';
import type { Pdp } from '../pdp.ts';
import { rulingNames, type RulingNames } from '../ruling.ts';
import type { Difference } from '../said.ts';
import { RefereeThread, type ThreadLimits } from './thread.ts';

/** A decision that was made and recorded. */
export type Made = {
  /** Id of its record. */
  record: string;
  input: DecisionInput;
  decision: Decision;
};

/** A decision that `cedar-wasm` makes otherwise. */
export type Found = { policySet: string; record: string; difference: Difference };

export type RefereeStatus = {
  /** `degraded`: what is sampled is not evaluated at the moment, or the last could not be. */
  state: 'off' | 'starting' | 'ok' | 'degraded';
  sample: number;
  /** Decisions since the start of the process: evaluated again, left out for want of room or because their set was
   * replaced, and such that `cedar-wasm` could not evaluate. */
  checked: number;
  skipped: number;
  failed: number;
};

/** Has a sample of decisions evaluated again by `cedar-wasm`, behind the back of those who wait for them. */
export interface Referee {
  /** Draws, and keeps a copy of what is drawn. Never throws and never waits. */
  consider(made: Made): void;
  status(): RefereeStatus;
  close(): Promise<void>;
}

export type RefereeParts = {
  /** The set in force. */
  pdp: () => Pdp;
  /** Share of decisions, 0 to 1. */
  sample: number;
  /** Decisions that may wait. */
  queue: number;
  /** From 0 up to and without 1. */
  random: () => number;
  /** Called for each difference, with the set that the decision was made by. Must not throw. */
  onFound: (found: Found) => void;
  onProblem: (error: unknown) => void;
  limits?: Partial<RefereeLimits>;
};

export type RefereeLimits = ThreadLimits & {
  /** Between a death of the thread and the next; doubled each time until one evaluates something. */
  backOffMs: { first: number; most: number };
  /** Characters of JSON that may wait, besides the number of decisions. */
  maxWaitingChars: number;
};

const LIMITS: RefereeLimits = {
  prepareWithinMs: 60_000,
  evaluateWithinMs: 10_000,
  maxHeapMiB: 512,
  backOffMs: { first: 1000, most: 60_000 },
  maxWaitingChars: 16 * 1024 * 1024,
};

/** What policy itself may say; all else is said before policy is asked, or by nobody's evaluation. */
const OF_POLICY: ReadonlySet<Reason['code']> = new Set([
  'no_policy',
  'policy_forbids',
  'policy_error',
  'approval_required',
  'policy_permits',
] satisfies Reason['code'][]);

function isOfPolicy({ reasons }: Decision): boolean {
  return reasons.some(({ code }) => OF_POLICY.has(code));
}

type Waiting = { record: string; pdp: Pdp; input: string; ruling: RulingNames };

export function startReferee(parts: RefereeParts): Referee {
  const off: RefereeStatus = { state: 'off', sample: 0, checked: 0, skipped: 0, failed: 0 };
  return parts.sample === 0
    ? { consider: () => {}, status: () => off, close: async () => {} }
    : new SamplingReferee(parts, { ...LIMITS, ...parts.limits });
}

class SamplingReferee implements Referee {
  readonly #parts: RefereeParts;
  readonly #limits: RefereeLimits;
  readonly #closed = new AbortController();
  #waiting: Waiting[] = [];
  #waitingChars = 0;
  #thread: RefereeThread | undefined;
  #running = false;
  #backOffMs: number;
  #state: RefereeStatus['state'] = 'starting';
  readonly #counts = { checked: 0, skipped: 0, failed: 0 };

  constructor(parts: RefereeParts, limits: RefereeLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#backOffMs = limits.backOffMs.first;
    this.#wake();
  }

  consider({ record, input, decision }: Made): void {
    if (this.#parts.random() >= this.#parts.sample || !isOfPolicy(decision)) return;
    const pdp = this.#parts.pdp();
    // An answer concerns the set that it was asked for: one that has been replaced meanwhile is not here any more.
    if (pdp.policySet !== decision.policySet || this.#waiting.length >= this.#parts.queue) {
      this.#counts.skipped += 1;
      return;
    }
    const text = JSON.stringify(input);
    if (this.#waitingChars + text.length > this.#limits.maxWaitingChars) {
      this.#counts.skipped += 1;
      return;
    }
    this.#waiting.push({ record, pdp, input: text, ruling: rulingNames(decision) });
    this.#waitingChars += text.length;
    this.#wake();
  }

  status(): RefereeStatus {
    return { state: this.#state, sample: this.#parts.sample, ...this.#counts };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#thread?.close();
  }

  #wake(): void {
    if (this.#running || this.#closed.signal.aborted) return;
    this.#running = true;
    // Later: whoever considers a decision has an effect to bring about.
    setImmediate(() => void this.#run());
  }

  /** Evaluates what waits, one after the other. A thread that dies is replaced after a while, what it was at is lost. */
  async #run(): Promise<void> {
    do {
      if (this.#closed.signal.aborted) return;
      try {
        await this.#evaluateAll();
        this.#running = false;
        return;
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        this.#state = 'degraded';
        this.#parts.onProblem(error);
      }
    } while (await this.#backOff());
  }

  async #evaluateAll(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      const thread = await this.#threadInForce();
      const next = this.#take(thread.policySet);
      if (next === undefined) return;
      await this.#evaluate(next, thread);
    }
  }

  /** @throws RefereeDied */
  async #threadInForce(): Promise<RefereeThread> {
    const { policySet, files } = this.#parts.pdp();
    if (this.#thread?.policySet !== policySet || this.#thread.dead) {
      void this.#thread?.close();
      this.#thread = new RefereeThread({ policySet, files }, this.#limits, (died) => {
        if (this.#running) return;
        // Nobody waits for it, so nobody else would see that it is gone.
        this.#running = true;
        this.#state = 'degraded';
        this.#parts.onProblem(died);
        void this.#backOff().then((goOn) => (goOn ? this.#run() : undefined));
      });
      await this.#thread.ready;
      this.#state = 'ok';
    }
    return this.#thread;
  }

  #take(policySet: string): Waiting | undefined {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#waitingChars -= next.input.length;
      if (next.pdp.policySet === policySet) return next;
      this.#counts.skipped += 1;
    }
    return undefined;
  }

  /** @throws RefereeDied */
  async #evaluate({ record, pdp, input, ruling }: Waiting, thread: RefereeThread): Promise<void> {
    try {
      const said = pdp.said(JSON.parse(input) as DecisionInput);
      if (said === null) return;
      const answer = await thread.ask({ input, said, ruling });
      if (answer.kind === 'unaskable') throw new Error(`the decision of record ${record} cannot be evaluated again`);
      this.#counts.checked += 1;
      this.#state = 'ok';
      this.#backOffMs = this.#limits.backOffMs.first;
      if (answer.difference !== null) {
        this.#parts.onFound({ policySet: pdp.policySet, record, difference: answer.difference });
      }
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      this.#counts.failed += 1;
      this.#state = 'degraded';
      if (thread.dead) throw error;
      this.#parts.onProblem(error);
    }
  }

  /** `false` when there is nothing to go on for. */
  async #backOff(): Promise<boolean> {
    const ms = this.#backOffMs;
    this.#backOffMs = Math.min(ms * 2, this.#limits.backOffMs.most);
    await pause(ms, undefined, { ref: false, signal: this.#closed.signal }).catch(() => {});
    return !this.#closed.signal.aborted;
  }
}
