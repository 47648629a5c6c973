import { afterEach, beforeEach } from 'vitest';
import type { LogRecord } from '../../core/record.ts';
import type { Store } from '../ports.ts';
import { NOW } from './fixture.ts';

export type OpenedStore = {
  store: Store;
  /** Closes the store and opens it again on what it left. */
  reopen(): Promise<Store>;
  /** Closes whatever is open and removes what it left. */
  dispose(): Promise<void>;
};

/** Opens an empty store whose clock is `clock`, in milliseconds since the epoch. */
export type OpenStore = (clock: () => number) => Promise<OpenedStore>;

/** The store of the running test, made anew for each. */
export type Subject = {
  readonly store: Store;
  /** Moves the store's clock to this time. */
  at(time: number): void;
  reopen(): Promise<void>;
  /** The `note` of each record of the log, in order; also checks that the log is dense. */
  notes(): string[];
};

export function useStore(open: OpenStore): Subject {
  let opened: OpenedStore;
  let store: Store;
  let now = NOW;
  beforeEach(async () => {
    now = NOW;
    opened = await open(() => now);
    store = opened.store;
  });
  afterEach(() => opened.dispose());
  return {
    get store() {
      return store;
    },
    at(time) {
      now = time;
    },
    async reopen() {
      store = await opened.reopen();
    },
    notes: () => logNotes(store),
  };
}

/** The `note` of each record. @throws Error when the indices are not 0, 1, 2, … up to the size of the log. */
export function logNotes(store: Store): string[] {
  const entries = store.entries(0, store.size() + 1);
  if (entries.length !== store.size()) throw new Error('the log does not hold as many entries as it says');
  return entries.map(({ index, entry }, position) => {
    if (index !== position) throw new Error(`entry ${position} of the log has index ${index}`);
    const record = JSON.parse(entry) as LogRecord;
    const note = record.kind === 'event' ? record.subject.note : undefined;
    if (typeof note !== 'string') throw new Error(`entry ${position} of the log is not of this test`);
    return note;
  });
}
