import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Delegator } from '../../core/party.ts';
import { approvalFixture, bob, MINUTE, NOW, taskFixture } from './fixture.ts';
import { useStore, type OpenStore } from './subject.ts';

type Step =
  | { do: 'ask' }
  | { do: 'answer'; person: number; to: 'approved' | 'refused' }
  | { do: 'use' }
  | { do: 'wait'; minutes: number }
  | { do: 'end' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('ask' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      person: fc.nat({ max: 3 }),
      to: fc.constantFrom('approved' as const, 'approved' as const, 'approved' as const, 'refused' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('use' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const) }) },
);

/** Persons 0 and 3 are one, by their address. */
const PEOPLE: Delegator[] = ['ann', 'ben', 'cem', 'ann-at-home'].map((subject, n) => ({
  ...bob,
  subject,
  email: `${n === 3 ? 'ann' : subject}@example.test`,
}));
const PERSON = [0, 1, 2, 0];

export function approvalHistoryConformance(open: OpenStore): void {
  const subject = useStore(open);

  it('in any history, whole or at once, a use has two people, in time, before the end, and is one', async () => {
    let runs = 0;
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), async (rounds) => {
        const task = `task_h${++runs}`;
        subject.at(NOW);
        await subject.store.createTask(taskFixture({ id: task, budget: { calls: 100 } }), []);
        // What a naive reader of the history knows: who has said yes to the request that is open, and when it ends.
        let current: { id: string; yes: Set<number>; over: boolean; used: boolean; expiresAt: number } | null = null;
        let [asked, now, ended] = [0, NOW, false];

        const act = async (one: Step): Promise<void> => {
          switch (one.do) {
            case 'ask': {
              const wanted = approvalFixture({
                id: `${task}_${++asked}`,
                task,
                approvers: ['2 of owners'],
                createdAt: now,
                expiresAt: now + 5 * MINUTE,
              });
              const kept = await subject.store.requestApproval(wanted, () => []);
              if (kept.id === wanted.id && kept.state === 'pending') {
                current = { id: kept.id, yes: new Set(), over: false, used: false, expiresAt: wanted.expiresAt };
              }
              return;
            }
            case 'answer': {
              if (current === null) return;
              const known = current;
              const answer = { id: known.id, to: one.to, by: PEOPLE[one.person]!, at: now };
              const outcome = await subject.store.answerApproval(answer, []);
              outcomes.add(outcome);
              const taken = outcome === 'answered' || outcome === 'counted';
              if (taken && (ended || now >= known.expiresAt)) throw new Error('an answer was taken too late');
              if (taken && one.to === 'refused') known.over = true;
              else if (taken) known.yes.add(PERSON[one.person]!);
              return;
            }
            case 'use': {
              if (current === null) return;
              const known = current;
              const { admitted } = await subject.store.admit({ chain: [task], counted: true, approval: known.id }, []);
              if (!admitted) return;
              outcomes.add('used');
              expect([known.yes.size >= 2, known.over, known.used, ended, now < known.expiresAt]).toEqual([
                true,
                false,
                false,
                false,
                true,
              ]);
              known.used = true;
              return;
            }
            case 'wait':
              subject.at((now += one.minutes * MINUTE));
              return;
            case 'end':
              await subject.store.endTask({ id: task, to: 'revoked', at: now, reason: 'stop' }, () => []);
              ended = true;
          }
        };
        // Verbs take effect in the order in which they were called, so the naive reader keeps up.
        for (const round of rounds) {
          if (round.some(({ do: what }) => what === 'wait')) for (const one of round) await act(one);
          else await Promise.all(round.map(act));
        }
      }),
      { numRuns: 60 },
    );
    expect([...outcomes]).toEqual(
      expect.arrayContaining(['used', 'answered', 'counted', 'already_counted', 'task_ended']),
    );
  });
}
