/** A `LogStore` in memory and records to fill it with: for tests. */
import { canonicalJson, type JsonValue } from '../core/json.ts';
import type { DecisionRecord, EventRecord, LogRecord, OutcomeRecord } from '../core/record.ts';
import type { LogStore, Records } from '../store/ports.ts';

export class FakeLog implements LogStore {
  /** Open to tests that play a database which loses or changes records. */
  readonly texts: string[] = [];
  readonly #listeners: ((size: number) => void)[] = [];

  async append(records: Records): Promise<void> {
    this.texts.push(...records.map((record) => canonicalJson(record as unknown as JsonValue)));
    for (const listener of this.#listeners) listener(this.texts.length);
  }

  appendSoon(records: Records): Promise<void> {
    return this.append(records);
  }

  entries(start: number, limit: number): { index: number; entry: string }[] {
    return this.texts.slice(start, start + limit).map((entry, i) => ({ index: start + i, entry }));
  }

  size(): number {
    return this.texts.length;
  }

  indexOf(recordId: string): number | undefined {
    const index = this.texts.findIndex((text) => (JSON.parse(text) as LogRecord).id === recordId);
    return index === -1 ? undefined : index;
  }

  onCommit(listener: (size: number) => void): void {
    this.#listeners.push(listener);
  }
}

export function decisionRecord(n: number, parts: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    version: 1,
    id: `rec_${n}`,
    time: Date.UTC(2026, 10, 23) + n,
    kind: 'decision',
    request: `req_${n}`,
    agent: { id: 'spiffe://dev.example/agent/summariser', attestation: 'jwt-svid' },
    delegator: { issuer: 'https://idp.example', subject: 'ada', name: 'Ada', groups: ['staff'] },
    chain: [{ task: 'tsk_1', agent: 'spiffe://dev.example/agent/summariser' }],
    task: {
      id: 'tsk_1',
      purpose: 'summarise the notes of today',
      sensitivity: 'internal',
      origin: { channel: 'cli', trust: 'authenticated' },
      expires_at: Date.UTC(2026, 10, 24),
    },
    scope: [{ type: 'remit_grant', target: 'files', effects: ['read'] }],
    action: {
      target: 'files',
      operation: 'read_file',
      effect: 'read',
      sensitivity: 'internal',
      resources: [`file:notes/${n}.md`],
      arguments: { path: `notes/${n}.md` },
      arguments_digest: `sha256:${'0'.repeat(64)}`,
    },
    decision: {
      outcome: 'permit',
      reasons: [{ code: 'policy_permits', message: 'staff may have notes read' }],
      policies: ['read-notes'],
      policy_set: 'sha256:00',
      controls: [],
      observed: [],
    },
    approval: null,
    token: { id: `jti_${n}`, key: 'thumbprint' },
    ...parts,
  };
}

export function outcomeRecord(n: number, decision: number, parts: Partial<OutcomeRecord> = {}): OutcomeRecord {
  return {
    version: 1,
    id: `rec_${n}`,
    time: Date.UTC(2026, 10, 23) + n,
    kind: 'outcome',
    decision: `rec_${decision}`,
    request: `req_${decision}`,
    task: 'tsk_1',
    status: 'ok',
    duration_ms: 12,
    ...parts,
  };
}

/** The smallest record. */
export function eventRecord(n: number, parts: Partial<EventRecord> = {}): EventRecord {
  return { version: 1, id: `rec_${n}`, time: n, kind: 'event', event: 'process.started', subject: {}, ...parts };
}

export const eventRecords = (from: number, to: number): EventRecord[] =>
  Array.from({ length: to - from }, (_, i) => eventRecord(from + i));
