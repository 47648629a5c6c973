import type { JsonObject, JsonValue } from './json.ts';
import type { EventRecord, LogRecord } from './record.ts';

export const REVOCATION_KINDS = [
  'task.ended',
  'token.revoked',
  'agent.suspended',
  'agent.resumed',
  'agent.retired',
  'access.suspended',
  'access.resumed',
  'key.removed',
  'policy.changed',
  'policy.distrusted',
] as const;
export type RevocationKind = (typeof REVOCATION_KINDS)[number];

/** One entry of the revocation feed: authority that has ended, or is back. */
export type Revocation = {
  /** 1 for the first, one more for each after it. */
  sequence: number;
  /** Milliseconds since the epoch. */
  at: number;
  kind: RevocationKind;
  /** What it is about, by identifiers: `task`, `agent`, `delegator`, `jti`, `key`, `policy_set`, … */
  subject: JsonObject;
  /** Why, in words. */
  cause: string;
  /** Id of the record that says the same in the log. */
  record: string;
};

type Drawn = {
  kind: RevocationKind;
  members: readonly string[];
  cause: (subject: JsonObject) => JsonValue | undefined;
};

const because = ({ reason }: JsonObject) => reason;

/** What each kind of record says in the feed. `members`: those of the record's subject that say what it is about. */
const DRAWN: Partial<Record<EventRecord['event'], Drawn>> = {
  'task.ended': { kind: 'task.ended', members: ['task', 'state', 'agent', 'delegator'], cause: because },
  'token.revoked': { kind: 'token.revoked', members: ['jti', 'audience', 'task'], cause: () => 'it was revoked' },
  'agent.suspended': { kind: 'agent.suspended', members: ['agent'], cause: because },
  'agent.resumed': { kind: 'agent.resumed', members: ['agent'], cause: because },
  'agent.retired': { kind: 'agent.retired', members: ['agent'], cause: because },
  'access.suspended': { kind: 'access.suspended', members: ['kind', 'id'], cause: because },
  'access.resumed': { kind: 'access.resumed', members: ['kind', 'id'], cause: because },
  'policy.published': { kind: 'policy.changed', members: ['policy_set', 'replaces'], cause: () => 'it was published' },
  'policy.distrusted': { kind: 'policy.distrusted', members: ['policy_set'], cause: () => 'the referee differs' },
};

/** What the feed says of a record; `null` for a record of which it says nothing. */
export function drawRevocation(record: LogRecord): Omit<Revocation, 'sequence'> | null {
  if (record.kind !== 'event') return null;
  const { event, subject, id, time } = record;
  const base = { at: time, record: id };
  // Of all that happens to a key, one thing takes authority away.
  if (event === 'key.changed') {
    if (subject['state'] !== 'removed') return null;
    return { ...base, kind: 'key.removed', subject: pick(subject, ['key']), cause: 'it was taken out' };
  }
  const drawn = DRAWN[event];
  if (drawn === undefined) return null;
  const cause = drawn.cause(subject);
  return {
    ...base,
    kind: drawn.kind,
    subject: pick(subject, drawn.members),
    cause: typeof cause === 'string' ? cause : '',
  };
}

function pick(subject: JsonObject, members: readonly string[]): JsonObject {
  return Object.fromEntries(
    members.flatMap((name) => (subject[name] === undefined ? [] : [[name, subject[name]] as const])),
  );
}
