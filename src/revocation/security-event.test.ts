import { expect, test } from 'vitest';
import { REVOCATION_KINDS, type Revocation } from '../core/revocation.ts';
import { securityEvent } from './security-event.ts';

const STATED = { issuer: 'https://remit.example', audience: 'https://receiver.example', now: 1_790_000_010_999 };
const revocation = (kind: Revocation['kind'], subject: Revocation['subject'] = {}, cause = 'why'): Revocation => ({
  sequence: 7,
  at: 1_790_000_000_999,
  kind,
  subject,
  cause,
  record: 'rec_1',
});
const AGENT = 'spiffe://example.org/agent/writer';

test('a Security Event Token has the claims of RFC 8417 and of SSF 1.0, and none that it must not have', () => {
  const ended = revocation('task.ended', {
    task: 'task_1',
    state: 'revoked',
    agent: AGENT,
    delegator: 'https://p|a|b',
  });
  expect(securityEvent(ended, STATED)).toEqual({
    iss: 'https://remit.example',
    aud: 'https://receiver.example',
    iat: 1_790_000_010,
    jti: 'rec_1',
    sub_id: {
      format: 'complex',
      session: { format: 'opaque', id: 'task_1' },
      application: { format: 'uri', uri: AGENT },
      user: { format: 'iss_sub', iss: 'https://p', sub: 'a|b' },
    },
    events: {
      'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {
        event_timestamp: 1_790_000_000,
        initiating_entity: 'admin',
        reason_admin: { en: 'why' },
      },
    },
  });
});

test.each<[Revocation['kind'], Revocation['subject'], object | null]>([
  ['token.revoked', { jti: 'tok_1', audience: 'x' }, { format: 'jwt_id', iss: 'https://remit.example', jti: 'tok_1' }],
  ['agent.suspended', { agent: AGENT }, { format: 'complex', application: { format: 'uri', uri: AGENT } }],
  ['agent.retired', { agent: AGENT }, { format: 'complex', application: { format: 'uri', uri: AGENT } }],
  ['agent.suspended', { agent: 'spiffe://example.org/agent/*' }, null],
  [
    'access.suspended',
    { kind: 'delegator', id: 'https://p|alice' },
    { format: 'complex', user: { format: 'iss_sub', iss: 'https://p', sub: 'alice' } },
  ],
  ['access.suspended', { kind: 'target', id: 'files' }, null],
  ['agent.resumed', { agent: AGENT }, null],
  ['key.removed', { key: 'k' }, null],
])('%s of %j', (kind, subject, expected) => {
  expect(securityEvent(revocation(kind, subject), STATED)?.sub_id ?? null).toEqual(expected);
});

test('what nobody gave a reason for states none; what expired was ended by policy', () => {
  const expired = revocation('task.ended', { task: 't', state: 'expired', agent: AGENT }, '');
  const [event] = Object.values(securityEvent(expired, STATED)!.events);
  expect(event).toEqual({ event_timestamp: 1_790_000_000, initiating_entity: 'policy' });
});

test('every kind is thought of', () => {
  for (const kind of REVOCATION_KINDS) expect(() => securityEvent(revocation(kind), STATED)).not.toThrow();
});
