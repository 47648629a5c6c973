import { expect, test } from 'vitest';
import type { EventRecord, LogRecord } from './record.ts';
import { drawRevocation } from './revocation.ts';

const record = (event: string, subject: EventRecord['subject']): LogRecord => ({
  version: 1,
  id: 'rec_1',
  time: 5,
  kind: 'event',
  event: event as EventRecord['event'],
  subject,
});

test.each<[string, EventRecord['subject'], object | null]>([
  [
    'task.ended',
    { task: 't', state: 'revoked', agent: 'a', delegator: 'd', reason: 'r', more: 1 },
    { kind: 'task.ended', subject: { task: 't', state: 'revoked', agent: 'a', delegator: 'd' }, cause: 'r' },
  ],
  [
    'token.revoked',
    { request: 'req_1', jti: 'j', audience: 'x', by: 'alice' },
    { kind: 'token.revoked', subject: { jti: 'j', audience: 'x' }, cause: 'it was revoked' },
  ],
  [
    'agent.suspended',
    { agent: 'a', owner: 'alice', reason: 'r' },
    { kind: 'agent.suspended', subject: { agent: 'a' }, cause: 'r' },
  ],
  ['agent.registered', { agent: 'a' }, null],
  ['agent.changed', { agent: 'a' }, null],
  [
    'access.suspended',
    { kind: 'target', id: 'files', reason: 'r', by: 'carol' },
    { kind: 'access.suspended', subject: { kind: 'target', id: 'files' }, cause: 'r' },
  ],
  ['key.changed', { key: 'k', state: 'current' }, null],
  [
    'key.changed',
    { key: 'k', state: 'removed' },
    { kind: 'key.removed', subject: { key: 'k' }, cause: 'it was taken out' },
  ],
  [
    'policy.published',
    { policy_set: 'p', replaces: 'q', by: 'carol' },
    { kind: 'policy.changed', subject: { policy_set: 'p', replaces: 'q' }, cause: 'it was published' },
  ],
  ['process.started', {}, null],
  ['task.ended', {}, { kind: 'task.ended', subject: {}, cause: '' }],
])('the feed says of %s %j', (event, subject, expected) => {
  const drawn = drawRevocation(record(event, subject));
  expect(drawn).toEqual(expected === null ? null : { at: 5, record: 'rec_1', ...expected });
});
