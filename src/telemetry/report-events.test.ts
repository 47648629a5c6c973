import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  agentSession,
  openControlPlane,
  personSession,
  RESOURCE_SERVER,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../test/fixtures/control-plane.ts';
import { decisionRecord } from '../audit/fake-log.ts';
import { reportedEvents } from '../reconcile/reported-events.ts';
import type { LogRecord } from '../core/record.ts';

const TIME = '2026-11-23T12:00:00.250+01:00';
const event = (more: object = {}) => ({ id: 'e-1', time: TIME, operation: 'read_file', outcome: 'done', ...more });

let plane: ControlPlane;
beforeEach(async () => {
  plane = await openControlPlane({ policies: { 'all.cedar': 'permit (principal, action, resource);' } });
});
afterEach(() => plane.close());

async function report(session: Session, events: unknown, target = 'files'): Promise<[number, unknown]> {
  const response = await session.call('POST', `/v1/targets/${target}/events`, { events });
  return [response.status, await response.json()];
}

const reports = () =>
  plane.records().flatMap((record) => (record.kind === 'event' && record.event === 'target.reported' ? [record] : []));

describe('a target reports', () => {
  it('what it did, which is kept beside the record that its attribution named', async () => {
    await plane.store.append([
      decisionRecord(1),
      decisionRecord(2, { action: { ...decisionRecord(2).action, target: 'memory' } }),
    ]);
    const session = await agentSession(plane, RESOURCE_SERVER);
    const [status, answer] = await report(session, [
      event({ record: 'rec_1', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }),
      event({ id: 'e-2', record: 'rec_1', operation: 'delete_file' }),
      event({ id: 'e-3', record: 'rec_2' }),
      event({ id: 'e-4', record: 'rec_none' }),
      event({ id: 'e-5', outcome: 'refused', detail: 'for Bearer 0123456789abcdef0123456789' }),
    ]);
    expect(status).toBe(200);
    expect(
      (answer as { events: { id: string; problem: string | null }[] }).events.map(({ id, problem }) => [id, problem]),
    ).toEqual([
      ['e-1', null],
      ['e-2', 'other_operation'],
      ['e-3', 'of_another_target'],
      ['e-4', 'no_such_record'],
      ['e-5', 'names_no_record'],
    ]);
    expect(reports().map(({ subject }) => subject)).toMatchObject([
      { target: 'files', by: RESOURCE_SERVER, event: 'e-1', at: Date.parse(TIME), outcome: 'done', decision: 'rec_1' },
      { event: 'e-2', problem: 'other_operation' },
      { event: 'e-3' },
      { event: 'e-4' },
      { event: 'e-5', outcome: 'refused', detail: 'for [redacted]' },
    ]);
    expect(
      reportedEvents(plane.records() as LogRecord[], 'files').map(({ id, record, refused }) => [id, record, refused]),
    ).toEqual([
      ['e-1', 'rec_1', false],
      ['e-2', 'rec_1', false],
      ['e-3', 'rec_2', false],
      ['e-4', 'rec_none', false],
      ['e-5', null, true],
    ]);
  });

  it.each([
    ['an agent that is not its resource server', () => agentSession(plane, SUMMARISER), 'files'],
    ['a person', () => personSession(plane, 'carol'), 'files'],
    ['the resource server of another target', () => agentSession(plane, RESOURCE_SERVER), 'memory'],
    ['anybody, for a target that there is not', () => agentSession(plane, RESOURCE_SERVER), 'none'],
  ] as [string, () => Promise<Session>, string][])('and not %s, whatever policy says', async (_who, open, target) => {
    const [status, answer] = await report(await open(), [event()], target);
    expect([status, answer]).toMatchObject([403, { type: 'urn:remit:problem:forbidden' }]);
    expect(reports()).toEqual([]);
    expect(plane.records().at(-1)).toMatchObject({
      event: 'request.refused',
      subject: { operation: 'target.report', target },
    });
  });

  it.each([
    ['none', []],
    ['too many', Array.from({ length: 51 }, (_, n) => event({ id: `e-${n}` }))],
    ['one without a time zone', [event({ time: '2026-11-23T12:00:00' })]],
    ['one with more than is known', [event({ secret: 'x' })]],
    ['one whose detail is long', [event({ detail: 'x'.repeat(501) })]],
    ['one with a trace that is none', [event({ traceparent: 'x' })]],
  ])('and not %s', async (_what, events) => {
    const session = await agentSession(plane, RESOURCE_SERVER);
    expect((await report(session, events))[0]).toBe(400);
    expect(reports()).toEqual([]);
  });
});
