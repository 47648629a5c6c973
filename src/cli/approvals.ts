import { parseArgs } from 'node:util';
import { printable } from '../audit/record-text.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const APPROVALS_USAGE = `remit approvals [list] [--state STATE]  what waits for an answer, newest first
remit approvals show ID                 exactly what is asked for
remit approve ID                        yes, to exactly this, once
remit refuse ID                         no`;

type ApprovalWire = {
  id: string;
  state: string;
  task: string;
  approvers: string[];
  requester: { agent: string; delegator: string };
  target: string;
  operation: string;
  effect: string;
  resources: string[];
  arguments: Record<string, unknown>;
  purpose: string;
  chain: { task: string; agent: string }[];
  reasons: string[];
  expires_at: string;
  answered_by?: string;
};

export const approvals: Command = async ([verb = 'list', ...args], io) => {
  if (verb === 'show') {
    print(await callApi<ApprovalWire>(io, 'GET', `/approvals/${one(args)}`), io);
    return 0;
  }
  if (verb !== 'list') throw new UsageError(APPROVALS_USAGE);
  const { values } = parseArgs({ args, options: { state: { type: 'string' } } });
  const state = values.state ?? 'pending';
  const answer = await callApi<{ approvals: ApprovalWire[] }>(
    io,
    'GET',
    `/approvals?state=${encodeURIComponent(state)}`,
  );
  for (const approval of answer.approvals) print(approval, io);
  if (answer.approvals.length === 0 && !io.json) io.out(`no ${state} approvals`);
  return 0;
};

export const approve: Command = (args, io) => answer(args, 'approve', io);
export const refuse: Command = (args, io) => answer(args, 'refuse', io);

async function answer(args: string[], verb: 'approve' | 'refuse', io: Io): Promise<number> {
  print(await callApi<ApprovalWire>(io, 'POST', `/approvals/${one(args)}/${verb}`), io);
  return 0;
}

function one(args: string[]): string {
  const [id, ...rest] = args;
  if (id === undefined || rest.length > 0) throw new UsageError(APPROVALS_USAGE);
  return encodeURIComponent(id);
}

/** Every argument in full: what is approved is what is shown. */
function print(approval: ApprovalWire, io: Io): void {
  if (io.json) {
    io.out(JSON.stringify(approval));
    return;
  }
  // INVARIANT 8: names and values come from the agent; none of them may move the cursor or turn the text around.
  for (const line of cardOf(approval)) io.out(printable(line));
}

function cardOf(approval: ApprovalWire): string[] {
  const resources = approval.resources.map((name) => ` on ${name}`).join('');
  return [
    `${approval.id}  ${approval.state}  until ${approval.expires_at}  for ${approval.approvers.join(' and ')}`,
    `  ${approval.operation} (${approval.effect}) at ${approval.target}${resources}`,
    ...Object.entries(approval.arguments).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`),
    `  because ${approval.reasons.join('; ')}`,
    `  for the task "${approval.purpose}" of ${approval.requester.delegator}`,
    `  by ${approval.chain.map((level) => `${level.agent} (${level.task})`).join(', under ')}`,
    ...(approval.answered_by === undefined ? [] : [`  answered by ${approval.answered_by}`]),
  ];
}
