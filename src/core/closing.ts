/** Why a task ended, for a program. The last five say what was suspended. */
export const END_CAUSES = [
  'completed',
  'revoked',
  'expired',
  'denied',
  'idle',
  'ancestor',
  'policy',
  'everything',
  'delegator',
  'agent',
  'target',
  'trust_domain',
] as const;
export type EndCause = (typeof END_CAUSES)[number];

/** Identifiers of things by their kind, such as `tokens` or `processes`. A kind of which there is nothing is absent. */
export type ByKind = Readonly<Record<string, readonly string[]>>;

/**
 * What the end of one task has ended so far, and what is left to end. It is opened in the same step as the end, with what
 * there was then, and complete once nothing is outstanding. Times in ms since the epoch.
 */
export type Closing = {
  task: string;
  cause: EndCause;
  reason: string;
  /** Who ended the task; `null` when nobody did, such as when its window closed. */
  by: string | null;
  openedAt: number;
  ended: ByKind;
  outstanding: ByKind;
  /** How often it was tried to end what was outstanding. */
  attempts: number;
  /** When that is tried again; `null` once nothing is outstanding. */
  nextAt: number | null;
  /** When nothing was outstanding any more. */
  completeAt: number | null;
};

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5 * 60_000;

export function openClosing(
  end: Pick<Closing, 'task' | 'cause' | 'reason' | 'by'> & { at: number },
  found: { ended: ByKind; outstanding: ByKind },
): Closing {
  const { task, cause, reason, by, at } = end;
  return { task, cause, reason, by, openedAt: at, ...found, attempts: 0, nextAt: at, completeAt: null };
}

/**
 * The closing after one more attempt, which has ended `ended` and left `outstanding`. What was outstanding before and is
 * not any more counts as ended, whoever did it: so nothing is lost when the attempt before died half-way.
 */
export function advanceClosing(closing: Closing, found: { ended: ByKind; outstanding: ByKind }, now: number): Closing {
  const kinds = new Set([closing.ended, closing.outstanding, found.ended, found.outstanding].flatMap(Object.keys));
  const ended: Record<string, readonly string[]> = {};
  const outstanding: Record<string, readonly string[]> = {};
  for (const kind of kinds) {
    const left = new Set(found.outstanding[kind]);
    const gone = new Set([
      ...(closing.ended[kind] ?? []),
      ...(found.ended[kind] ?? []),
      ...(closing.outstanding[kind] ?? []),
    ]);
    const over = [...gone].filter((id) => !left.has(id));
    if (over.length > 0) ended[kind] = over;
    if (left.size > 0) outstanding[kind] = [...left];
  }
  const attempts = closing.attempts + 1;
  const complete = Object.keys(outstanding).length === 0;
  return {
    ...closing,
    ended,
    outstanding,
    attempts,
    nextAt: complete ? null : now + Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20), LAST_RETRY_MS),
    completeAt: complete ? now : null,
  };
}

/** Whether an attempt brought anything that its record would have to say. The first one always does. */
export function hasChanged(before: Closing, after: Closing): boolean {
  return before.attempts === 0 || !same(before.ended, after.ended) || !same(before.outstanding, after.outstanding);
}

function same(a: ByKind, b: ByKind): boolean {
  const kinds = Object.keys(a);
  return (
    kinds.length === Object.keys(b).length &&
    kinds.every((kind) => {
      const others = new Set(b[kind]);
      return others.size === a[kind]!.length && a[kind]!.every((id) => others.has(id));
    })
  );
}
