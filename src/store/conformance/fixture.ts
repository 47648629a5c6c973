import type { RegisteredAgent } from '../../core/agent.ts';
import type { Approval } from '../../core/approval.ts';
import type { Lease } from '../../core/lease.ts';
import type { Delegator } from '../../core/party.ts';
import type { EventRecord, LogRecord } from '../../core/record.ts';
import type { SpiffeId } from '../../core/spiffe-id.ts';
import type { Task } from '../../core/task.ts';

/** Plain values for tests of stores. Times are relative to `NOW`. */
export const NOW = 1_790_000_000_000;
export const MINUTE = 60_000;

export const alice: Delegator = { issuer: 'https://people.example', subject: 'alice', groups: ['staff'] };
export const bob: Delegator = { issuer: 'https://people.example', subject: 'bob', groups: ['staff', 'owners'] };

export function taskFixture(change: Partial<Task> = {}): Task {
  return {
    id: 'task_1',
    parent: null,
    delegator: alice,
    agent: { id: 'spiffe://example.org/agent/writer' as SpiffeId, trustDomain: 'example.org' },
    purpose: 'summarise the notes',
    parameters: { folder: 'notes' },
    grant: [{ type: 'remit_grant', target: 'files', effects: ['read'] }],
    sensitivity: 'internal',
    origin: { channel: 'cli', trust: 'authenticated' },
    window: { notBefore: NOW, expiresAt: NOW + 10 * MINUTE },
    budget: { calls: 10 },
    maxHops: 3,
    state: 'active',
    createdAt: NOW,
    ...change,
  };
}

export function approvalFixture(change: Partial<Approval> = {}): Approval {
  return {
    id: 'apr_1',
    digest: 'sha256:00',
    task: 'task_1',
    approvers: ['owners'],
    requester: {
      agent: 'spiffe://example.org/agent/writer',
      delegator: { issuer: alice.issuer, subject: alice.subject },
    },
    card: {
      target: 'files',
      operation: 'write_file',
      effect: 'write',
      sensitivity: 'internal',
      resources: ['file:summary.md'],
      arguments: { path: 'summary.md', content: 'é 日本' },
      purpose: 'summarise the notes',
      chain: [{ task: 'task_1', agent: 'spiffe://example.org/agent/writer' }],
      reasons: ['writing needs a yes'],
      policies: ['writes-are-approved'],
    },
    policySet: 'sha256:01',
    state: 'pending',
    createdAt: NOW,
    expiresAt: NOW + 5 * MINUTE,
    answers: [],
    ...change,
  };
}

/** A record that says what happened in the test: `note` is any text. */
export function recordFixture(id: string, note = ''): LogRecord {
  return { version: 1, id, time: NOW, kind: 'event', event: 'process.started', subject: { note } };
}

export function agentFixture(change: Partial<RegisteredAgent> = {}): RegisteredAgent {
  return {
    id: 'spiffe://example.org/agent/writer',
    owner: { issuer: alice.issuer, subject: alice.subject },
    purpose: 'writes summaries',
    groups: ['writers'],
    profiles: null,
    state: 'active',
    createdAt: NOW,
    createdBy: 'https://people.example|alice',
    revision: 1,
    ...change,
  };
}

/** A record of which the revocation feed says something. */
export function endedFixture(id: string, note = '', time = NOW): EventRecord {
  const subject = {
    note,
    task: 'task_1',
    state: 'revoked',
    reason: 'stop',
    agent: 'spiffe://example.org/agent/writer',
  };
  return { version: 1, id, time, kind: 'event', event: 'task.ended', subject };
}

export function leaseFixture(change: Partial<Lease> = {}): Lease {
  return {
    id: 'lse_1',
    task: 'task_1',
    agent: 'spiffe://example.org/agent/writer',
    delegator: `${alice.issuer}|alice`,
    target: 'keys',
    operation: 'create_key',
    kind: 'secret',
    state: 'intended',
    decision: 'rec_1',
    usableAt: ['keys'],
    madeAt: NOW,
    identifier: null,
    expiresAt: null,
    end: { by: 'hand', step: 'look at it' },
    inputs: {},
    attempts: 0,
    problem: null,
    overstaysSince: null,
    over: null,
    ...change,
  };
}
