import { Worker } from 'node:worker_threads';
import type { RulingNames } from '../ruling.ts';
import type { Difference, Said } from '../said.ts';

export type RefereeTask = { files: Readonly<Record<string, string>> };

/** One decision, as Remit's engine made it. */
export type Question = {
  /** JSON text of the decision's input. */
  input: string;
  /** What each policy says, by the engine. */
  said: readonly Said[];
  ruling: RulingNames;
};

export type RefereeMessage =
  | { kind: 'ready' }
  /** One more of the decision's evaluations is done. */
  | { kind: 'progress' }
  | { kind: 'answer'; difference: Difference | null }
  | { kind: 'unaskable' };

/** The thread died, or is silent for too long and was ended. */
export class RefereeDied extends Error {}

export type ThreadLimits = {
  prepareWithinMs: number;
  /** For each evaluation of a decision. */
  evaluateWithinMs: number;
  maxHeapMiB: number;
};

type Pending = { resolve: (message: RefereeMessage) => void; reject: (error: Error) => void; withinMs: number };

/** The thread on which `cedar-wasm` holds one policy set. It answers one question at a time. */
export class RefereeThread {
  readonly policySet: string;
  /** Resolves when it can be asked. @throws RefereeDied */
  readonly ready: Promise<unknown>;
  readonly #worker: Worker;
  readonly #limits: ThreadLimits;
  #pending: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dead: RefereeDied | undefined;

  /** @param onDeath is called once, unless `close` was called before. */
  constructor(
    set: { policySet: string; files: Readonly<Record<string, string>> },
    limits: ThreadLimits,
    onDeath: (died: RefereeDied) => void,
  ) {
    this.policySet = set.policySet;
    this.#limits = limits;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { files: set.files } satisfies RefereeTask,
      resourceLimits: { maxOldGenerationSizeMb: limits.maxHeapMiB },
    });
    const died = (problem: string, cause?: unknown) => {
      if (this.#dead !== undefined) return;
      const reason = new RefereeDied(problem, { cause });
      this.#end(reason);
      onDeath(reason);
    };
    this.#worker.on('message', (message: RefereeMessage) => this.#take(message));
    this.#worker.on('error', (cause) => died('the referee died', cause));
    this.#worker.on('exit', () => died('the referee ended'));
    // What is not evaluated yet is no reason to keep the process. A listener for messages is, so this comes after it.
    this.#worker.unref();
    this.#onSilence = () => {
      died('the referee is silent for too long');
      void this.#worker.terminate();
    };
    this.ready = this.#wait(limits.prepareWithinMs);
    this.ready.catch(() => {});
  }

  readonly #onSilence: () => void;

  get dead(): boolean {
    return this.#dead !== undefined;
  }

  /** @throws RefereeDied */
  async ask(question: Question): Promise<Extract<RefereeMessage, { kind: 'answer' | 'unaskable' }>> {
    await this.ready;
    const answer = this.#wait(this.#limits.evaluateWithinMs);
    this.#worker.postMessage(question);
    const message = await answer;
    if (message.kind === 'answer' || message.kind === 'unaskable') return message;
    throw new Error(`the referee answers a question with \`${message.kind}\``);
  }

  async close(): Promise<void> {
    this.#end(new RefereeDied('the referee was closed'));
    await this.#worker.terminate();
  }

  #wait(withinMs: number): Promise<RefereeMessage> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject, withinMs };
      this.#startTimer(withinMs);
    });
  }

  #take(message: RefereeMessage): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    if (message.kind === 'progress') {
      this.#startTimer(pending.withinMs);
      return;
    }
    clearTimeout(this.#timer);
    this.#pending = undefined;
    pending.resolve(message);
  }

  #startTimer(withinMs: number): void {
    clearTimeout(this.#timer);
    // Node runs timers before messages: after a long pause of this thread, an answer may lie there already.
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(this.#onSilence, 0);
      this.#timer.unref();
    }, withinMs);
    this.#timer.unref();
  }

  #end(reason: RefereeDied): void {
    this.#dead ??= reason;
    clearTimeout(this.#timer);
    this.#pending?.reject(this.#dead);
    this.#pending = undefined;
  }
}
