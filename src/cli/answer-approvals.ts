import { printable } from '../audit/record-text.ts';
import { RemitError } from '../core/errors.ts';
import { callApi } from './api.ts';
import { printApproval, type ApprovalWire } from './approval-text.ts';
import type { Io } from './io.ts';

export type Load = { last_hour: number; limit_per_hour: number; over: boolean; beyond: 'warn' | 'others' } | null;
export type Listing = { approvals: ApprovalWire[]; load: Load };

const RISKS = ['high', 'medium', 'low'];

/** The riskiest first, what is alike together (the same agent, operation and risk), and of that the oldest first. */
export function byRisk(approvals: readonly ApprovalWire[]): ApprovalWire[][] {
  const batches = new Map<string, ApprovalWire[]>();
  // The API has the newest first; what has waited longest expires first.
  for (const approval of approvals.toReversed()) {
    const { risk, target, operation, requester } = approval;
    const key = JSON.stringify([RISKS.indexOf(risk), target, operation, requester.agent]);
    const batch = batches.get(key);
    if (batch === undefined) batches.set(key, [approval]);
    else batch.push(approval);
  }
  const order = (batch: readonly ApprovalWire[]) => RISKS.indexOf(batch[0]!.risk);
  return [...batches.values()].toSorted((a, b) => order(a) - order(b));
}

/** What a person should know before they say yes once more. */
export function loadText(load: Load): string | null {
  if (load === null || !load.over) return null;
  const next = load.beyond === 'others' ? 'another person has to say yes now' : 'take a break, or let others answer';
  return `you have answered ${load.last_hour} in the last hour (limit ${load.limit_per_hour}): ${next}`;
}

/**
 * Shows what waits, one after the other, and takes the answer to exactly what was shown. What is alike can be answered
 * together, once all of it was shown. Ends when nothing is left, or at the end of the input.
 */
export async function answerApprovals(
  { approvals, load }: Listing,
  io: Io,
  ask: NonNullable<Io['ask']>,
): Promise<void> {
  const warning = loadText(load);
  if (warning !== null) io.out(warning);
  for (const batch of byRisk(approvals)) {
    for (let place = 0; place < batch.length; place++) {
      const rest = batch.slice(place);
      printApproval(rest[0]!, io);
      const said = await choice(rest, ask);
      if (said === null || said === 'q') return;
      if (said === 'f') {
        printApproval(await callApi<ApprovalWire>(io, 'GET', `/approvals/${encodeURIComponent(rest[0]!.id)}`), io);
        place -= 1;
      } else if (said === 'y' || said === 'n') {
        await give([rest[0]!], said, { io, ask });
      } else if (said === 'a' || said === 'd') {
        for (const other of rest.slice(1)) printApproval(other, io);
        await give(rest, said === 'a' ? 'y' : 'n', { io, ask });
        break;
      }
    }
  }
  io.out('nothing else waits');
}

type Choice = 'y' | 'n' | 's' | 'f' | 'a' | 'd' | 'q';

async function choice(rest: readonly ApprovalWire[], ask: NonNullable<Io['ask']>): Promise<Choice | null> {
  const more = rest.length > 1 ? ` [a]pprove or [d]eny all ${rest.length} like it,` : '';
  const full = rest[0]!.cut ? ' [f]ull,' : '';
  for (;;) {
    const said = await ask(`approve? [y]es, [n]o,${full}${more} [s]kip, [q]uit: `);
    if (said === null) return null;
    const letter = said.trim().toLowerCase();
    if (['y', 'n', 's', 'q', ...(full === '' ? [] : ['f']), ...(more === '' ? [] : ['a', 'd'])].includes(letter)) {
      return letter as Choice;
    }
  }
}

async function give(
  batch: readonly ApprovalWire[],
  said: 'y' | 'n',
  { io, ask }: { io: Io; ask: NonNullable<Io['ask']> },
): Promise<void> {
  if (batch.length > 1) {
    const sure = await ask(
      `${said === 'y' ? 'approve' : 'deny'} these ${batch.length}, each exactly as shown? [yes/no]: `,
    );
    if (sure?.trim().toLowerCase() !== 'yes') return io.out('nothing was answered');
  }
  const reason = (await ask('reason (may be empty): '))?.trim() ?? '';
  const answers = batch.map(({ id, digest }) => ({
    id,
    digest,
    answer: said === 'y' ? 'approved' : 'refused',
    ...(reason === '' ? {} : { reason }),
  }));
  try {
    const { results } = await callApi<{ results: { id: string; state?: string; problem?: string }[] }>(
      io,
      'POST',
      '/approvals/answers',
      { answers },
    );
    for (const { id, state, problem } of results) {
      io.out(
        printable(
          problem === undefined ? `${id}: ${state}${state === 'pending' ? ', and waits for others' : ''}` : problem,
        ),
      );
    }
  } catch (error) {
    // Others wait still, and may be answered.
    if (!(error instanceof RemitError)) throw error;
    io.err(`not answered: ${error.message}`);
  }
}
