import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decisionRecord, eventRecord, outcomeRecord } from '../audit/fake-log.ts';
import type { LogRecord } from '../core/record.ts';
import { traceparentOf } from '../telemetry/traceparent.ts';
import { GENERIC, mappingForm, type Mapping } from './mapping.ts';
import { EventFileError, readTargetEvents } from './read-events.ts';
import { reconcile } from './reconcile.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const START = Date.UTC(2026, 10, 23);
const ALWAYS = { from: -Infinity, to: Infinity };

/** A permit and its outcome, `at` milliseconds after the start. */
function permit(n: number, at: number, operation = 'create_key', resource = 'user:ada'): LogRecord[] {
  const decision = decisionRecord(n, { time: START + at });
  decision.action = { ...decision.action, target: 'legacy', operation, effect: 'mint', resources: [resource] };
  return [decision, outcomeRecord(n + 100_000, n, { decision: `rec_${n}`, time: START + at + 5, status: 'ok' })];
}

/** With facts, which say whether the arguments named a lease. */
function withFacts([decision, ...rest]: LogRecord[], action: object): LogRecord[] {
  return [{ ...decision, facts: { action: { protocol: false, ...action } } } as LogRecord, ...rest];
}

const traced = (n: number, caller: string | null = null) =>
  traceparentOf({ record: `rec_${n}`, request: `req_${n}` }, caller, sha256);

const iso = (at: number) => new Date(START + at).toISOString();

function outcome(events: object[] | string, records: LogRecord[], mapping: Mapping = GENERIC, window = ALWAYS) {
  const text = typeof events === 'string' ? events : events.map((event) => JSON.stringify(event)).join('\n');
  const read = readTargetEvents(Buffer.from(text), mapping);
  const { findings, ...counts } = reconcile({ target: 'legacy', events: read, records, mapping, window }, sha256);
  return {
    ...counts,
    findings: findings.map(({ kind, event, call }) => [kind, event?.place ?? null, call?.record ?? null]),
  };
}

describe('reconcile', () => {
  it('agrees where each event is of a permit, named by its traceparent, by its record, or by its time', () => {
    const foreign = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const events = [
      { time: iso(3), traceparent: traced(1) },
      { time: iso(103), traceparent: traced(2, foreign) },
      { time: (START + 203) / 1000, record: 'rec_3', operation: 'create_key' },
      { time: START + 303, operation: 'create_key' },
    ];
    const records = [1, 2, 3, 4].flatMap((n) => permit(n, (n - 1) * 100));
    expect(outcome(events, records)).toEqual({
      events: 4,
      permits: 4,
      matched: 4,
      duplicates: 0,
      refused: 0,
      others: 0,
      findings: [],
    });
  });

  it('finds an effect with no record, however like a recorded one it is', () => {
    const events = [
      { time: iso(3), traceparent: traced(1) },
      { time: iso(4), operation: 'create_key' },
      { time: iso(5), traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
      { time: iso(6), traceparent: traced(1) },
    ];
    expect(outcome(events, permit(1, 0)).findings).toEqual([
      ['bypass', 2, null],
      ['bypass', 3, null],
      ['bypass', 4, 'rec_1'],
    ]);
  });

  it('finds a record with no effect, unless nothing need have happened', () => {
    const records = [1, 2, 3].flatMap((n) => permit(n, n * 100));
    records[3] = { ...(records[3] as object), status: 'failed' } as LogRecord;
    expect(outcome([{ time: iso(302), traceparent: traced(3) }], records).findings).toEqual([
      ['no_effect', null, 'rec_1'],
    ]);
    expect(outcome([], permit(1, 0), { ...GENERIC, logs: ['delete'] }).findings, 'not logged').toEqual([]);
  });

  it('finds effects that their records do not permit, or permit otherwise', () => {
    const records = [1, 2, 3, 4].flatMap((n) => permit(n, n * 100));
    (records[0] as { decision: { outcome: string } }).decision.outcome = 'deny';
    (records[7] as { given_back?: true }).given_back = true;
    const events = [
      { time: iso(103), record: 'rec_1' },
      { time: iso(203), record: 'rec_2', operation: 'delete_user' },
      { time: iso(90_000), record: 'rec_3' },
      { time: iso(403), record: 'rec_4' },
    ];
    expect(outcome(events, records).findings).toEqual([
      ['not_permitted', 1, 'rec_1'],
      ['differs', 2, 'rec_2'],
      ['differs', 4, 'rec_4'],
      ['differs', 3, 'rec_3'],
    ]);
  });

  it("tells the use of Remit's credential from elsewhere, and others' use of theirs", () => {
    const mapping = mappingForm.parse({
      time: 'at',
      record: 'record',
      credential: { field: 'key.id', is: ['remit'] },
      source: { field: '[source.ip]', is: ['10.0.0.5'] },
    });
    const event = (id: string, ip: string, record?: string) => ({
      at: iso(3),
      key: { id },
      'source.ip': ip,
      ...(record === undefined ? {} : { record }),
    });
    const events = [event('remit', '10.0.0.5', 'rec_1'), event('remit', '203.0.113.9'), event('ada', '203.0.113.9')];
    expect(outcome(events, permit(1, 0), mapping)).toMatchObject({
      others: 1,
      findings: [['other_principal', 2, null]],
    });
    const own = withFacts(permit(1, 0), {});
    expect(outcome([event('ada', '10.0.0.5', 'rec_1')], own, mapping).findings).toEqual([
      ['no_effect', null, 'rec_1'],
      ['other_principal', 1, 'rec_1'],
    ]);
    const leased = withFacts(permit(1, 0), { leases: [{ id: 'lse_1', lease: null }] });
    expect(outcome([event('key-7', '10.0.0.5', 'rec_1')], leased, mapping).findings, 'minted by a task').toEqual([]);
  });

  it('counts what Remit takes back by itself, tried once or more often', () => {
    const taking = (n: number, at: number, event: 'lease.revoking' | 'lease.revoked') =>
      eventRecord(n, {
        time: START + at,
        event,
        subject: { lease: 'lse_1', target: 'legacy', call: 'revoke_key', task: 'tsk_1' },
      });
    const records = [
      taking(1, 0, 'lease.revoking'),
      taking(2, 40_000, 'lease.revoking'),
      taking(3, 40_100, 'lease.revoked'),
    ];
    const events = [{ time: iso(40_050), operation: 'revoke_key' }];
    expect(outcome(events, records).findings).toEqual([]);
    expect(outcome([...events, { time: iso(99_000), operation: 'revoke_key' }], records).findings).toEqual([
      ['bypass', 2, null],
    ]);
  });

  it('leaves out what the mapping says, and the same event seen again', () => {
    const mapping = mappingForm.parse({
      time: 'time',
      id: 'id',
      ignore: [{ field: 'method', is: ['GET', 'HEAD'] }],
      refused: [{ field: 'status', matches: '^[45]' }],
      operations: [
        {
          when: { method: '^POST$', path: '^/users/(?<user>[^/]+)/keys$' },
          operation: 'create_key',
          resource: 'user:{user}',
        },
      ],
    });
    const post = (id: string, user: string, status = 201) => ({
      id,
      time: iso(3),
      method: 'POST',
      path: `/users/${user}/keys`,
      status,
    });
    const events = [
      { id: 'a', time: iso(1), method: 'GET', path: '/users/ada' },
      post('b', 'ada'),
      post('b', 'ada'),
      post('c', 'ada', 403),
    ];
    expect(outcome(events, permit(1, 0), mapping)).toMatchObject({
      matched: 1,
      duplicates: 1,
      refused: 1,
      findings: [],
    });
    expect(outcome([post('d', 'bob')], permit(1, 0), mapping).findings, "another's").toEqual([
      ['no_effect', null, 'rec_1'],
      ['bypass', 1, null],
    ]);
  });

  it('pairs by time within the skew, and finds nothing outside the window', () => {
    const events = [{ time: iso(29_000), operation: 'create_key' }];
    expect(outcome(events, permit(1, 0)).findings).toEqual([]);
    expect(outcome(events, permit(1, 0), { ...GENERIC, skew_seconds: 1 }).findings).toHaveLength(2);
    const before = { from: -Infinity, to: START - 1 };
    expect(outcome(events, permit(1, 0), { ...GENERIC, skew_seconds: 1 }, before).findings).toEqual([]);
  });

  it('reads a list in a document, and refuses a file that it cannot read whole', () => {
    const mapping = mappingForm.parse({ events: 'Records', time: 'eventTime', operation: 'eventName' });
    const document = JSON.stringify({ Records: [{ eventTime: iso(2), eventName: 'create_key' }] });
    expect(outcome(document, permit(1, 0), mapping).matched).toBe(1);
    for (const [text, problem, by] of [
      ['{"time":"2026-11-23T00:00:00Z"}\nnot json', 'line 2 is not JSON', GENERIC],
      ['{"other":1}', 'event 1 has no time in `time`', GENERIC],
      ['{"time":"yesterday"}', 'event 1 has no time in `time`', GENERIC],
      ['{"Events":[]}', 'no list in `Records`', mapping],
      ['[', 'not JSON', GENERIC],
      ['\u001f', 'line 1 is not JSON', GENERIC],
    ] as const)
      expect(() => readTargetEvents(Buffer.from(text), by), text).toThrow(problem);
    expect(() => readTargetEvents(Buffer.from([0x1f, 0x8b, 1]), GENERIC)).toThrow(EventFileError);
  });

  // Whatever the times, the order, the skew between the clocks, and whether the log keeps the trace.
  it('always finds the one record or the one event that is missing', () => {
    const calls = fc.uniqueArray(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        calls,
        fc.integer({ min: -20_000, max: 20_000 }),
        fc.constantFrom('none', 'some', 'all'),
        fc.nat(),
        fc.boolean(),
        (times, skew, named, nth, reversed) => {
          const records = times.map((at, n) => permit(n, at, n % 3 === 0 ? 'create_key' : 'create_ticket'));
          const events = times.map((at, n) => ({
            time: iso(at + skew),
            operation: n % 3 === 0 ? 'create_key' : 'create_ticket',
            ...(named === 'all' || (named === 'some' && n % 2 === 0) ? { traceparent: traced(n) } : {}),
          }));
          if (reversed) events.reverse();
          expect(outcome(events, records.flat()).findings, 'all of it').toEqual([]);
          const missing = nth % times.length;
          const fewerEvents = outcome(events.toSpliced(missing, 1), records.flat()).findings;
          expect(fewerEvents.map(([kind]) => kind)).toEqual(['no_effect']);
          const fewerRecords = outcome(events, records.toSpliced(missing, 1).flat()).findings;
          expect(fewerRecords.map(([kind]) => kind)).toEqual(['bypass']);
        },
      ),
      { numRuns: 200 },
    );
  });
});
