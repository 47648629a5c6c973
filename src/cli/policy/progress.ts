import type { LogRecord } from '../../core/record.ts';

const EVERY_MS = 500;
/** Up one line, and that line emptied: the next one takes its place. */
const OVERWRITE = '\u001b[1A\u001b[2K';

export type ProgressParts = {
  say: (line: string) => void;
  /** Milliseconds, from any start. */
  clock: () => number;
  /** On a terminal each line replaces the one before. */
  terminal: boolean;
};

/** Passes records on, and says at most each half second how many there were and how fast they come. */
export async function* withProgress(
  records: AsyncIterable<LogRecord> | Iterable<LogRecord>,
  { say, clock, terminal }: ProgressParts,
): AsyncGenerator<LogRecord> {
  const began = clock();
  let said = began;
  let before = '';
  let read = 0;
  for await (const record of records) {
    yield record;
    read += 1;
    const now = clock();
    if (now - said < EVERY_MS) continue;
    said = now;
    say(`${before}${read} records read, ${Math.round((read * 1000) / (now - began))} a second`);
    before = terminal ? OVERWRITE : '';
  }
}
