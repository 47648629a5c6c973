/**
 * What the clients of a history have done, each thing with the places of its begin and its end in one order that all
 * clients share. What was never answered (the process died) has no end: it may have happened or not.
 */
export type Note = { begin: number; end: number | null } & (
  | { kind: 'task'; id: string | null; parent: string | null }
  | { kind: 'end'; task: string; ok: boolean }
  | { kind: 'call'; task: string; mark: string; ok: boolean }
  | { kind: 'held'; task: string; mark: string; approval: string }
  | { kind: 'approve'; approval: string; ok: boolean }
);

export type Notebook = {
  notes: Note[];
  /** Takes down what `act` does. Resolves with its answer, `undefined` when there was none. */
  take<Answer>(
    act: () => Promise<Answer>,
    note: (answer: Answer | undefined) => DistributiveOmit<Note>,
  ): Promise<Answer | undefined>;
};

type DistributiveOmit<T> = T extends unknown ? Omit<T, 'begin' | 'end'> : never;

export function createNotebook(): Notebook {
  const notes: Note[] = [];
  let place = 0;
  return {
    notes,
    take: async (act, note) => {
      const begin = ++place;
      const answer = await act().catch(() => undefined);
      notes.push({ ...note(answer), begin, end: answer === undefined ? null : ++place } as Note);
      return answer;
    },
  };
}
