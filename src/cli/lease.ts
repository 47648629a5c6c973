import { parseArgs } from 'node:util';
import { printable } from '../audit/record-text.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const LEASE_USAGE = `remit lease list [--task ID] [--target NAME] [--state STATE] [--outstanding] [--all] [--limit N] [--after ID]
                                        what tasks have minted; --all: also those of others
remit lease show ID                     one of them; its value is not shown
remit lease revoke ID [--reason TEXT]   take it back now, by the call that its target file declares
remit lease settle ID --reason TEXT     say that it is gone, after you took it back by hand
remit lease release ID --reason TEXT    let the agent use, by its handle, what was found in an answer
remit lease discard ID [--reason TEXT]  forget what was found in an answer`;

type LeaseWire = {
  id: string;
  handle: string;
  kind: string;
  state: string;
  target: string;
  operation: string;
  identifier?: string;
  task: string;
  purpose?: string;
  agent: string;
  delegator: string;
  decision: string;
  made_at: string;
  expires_at?: string;
  revoked_by: Record<string, unknown>;
  attempts: number;
  problem?: string;
  overstays_since?: string;
  over?: { at: string; by?: string; reason?: string };
};

/** What each verb says for a reason when nothing is said; the others need one. */
const REASONS: Readonly<Record<string, string | null>> = {
  revoke: 'revoked at the command line',
  settle: null,
  release: null,
  discard: 'discarded at the command line',
};

/** States of which something is left to do. */
const OPEN = new Set(['intended', 'held', 'doubtful', 'waiting']);

export const lease: Command = async ([verb = '', ...args], io) => {
  if (verb === 'list') return list(args, io);
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { reason: { type: 'string' } } });
  const [id, ...rest] = positionals;
  if (id === undefined || rest.length > 0) throw new UsageError(LEASE_USAGE);
  if (verb === 'show' && values.reason === undefined) {
    print(await callApi<LeaseWire>(io, 'GET', `/leases/${encodeURIComponent(id)}`), io);
    return 0;
  }
  const reason = Object.hasOwn(REASONS, verb) ? (values.reason ?? REASONS[verb]) : null;
  if (reason === null || reason === undefined) throw new UsageError(LEASE_USAGE);
  const now = await callApi<LeaseWire>(io, 'POST', `/leases/${encodeURIComponent(id)}/${verb}`, { reason });
  print(now, io);
  return verb !== 'release' && OPEN.has(now.state) ? 1 : 0;
};

async function list(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      task: { type: 'string' },
      target: { type: 'string' },
      state: { type: 'string' },
      outstanding: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      limit: { type: 'string' },
      after: { type: 'string' },
    },
  });
  const { outstanding, all, ...filter } = values;
  const query = new URLSearchParams({
    ...filter,
    ...(outstanding ? { outstanding: 'true' } : {}),
    ...(all ? { all: 'true' } : {}),
  });
  const { leases } = await callApi<{ leases: LeaseWire[] }>(io, 'GET', `/leases?${query.toString()}`);
  for (const each of leases) io.out(io.json ? JSON.stringify(each) : printable(lineOf(each)));
  if (leases.length === 0 && !io.json) io.out('nothing');
  return 0;
}

function lineOf({ id, kind, state, target, operation, identifier, made_at: madeAt, task, ...rest }: LeaseWire): string {
  const step = OPEN.has(state) && 'manual' in rest.revoked_by ? `; by hand: ${String(rest.revoked_by['manual'])}` : '';
  const problem = rest.problem === undefined || !OPEN.has(state) ? '' : `; ${rest.problem}`;
  return `${id}  ${state}  ${kind} ${identifier ?? '?'} of ${target} (${operation}) at ${madeAt}, ${task}${problem}${step}`;
}

function print(shown: LeaseWire, io: Io): void {
  if (io.json) {
    io.out(JSON.stringify(shown));
    return;
  }
  const { revoked_by: ends, over } = shown;
  const [how, what] = Object.entries(ends)[0] ?? [];
  const lines = [
    `${shown.kind} \`${shown.identifier ?? '?'}\` of ${shown.target}, ${shown.state}`,
    `  made       ${shown.made_at} by ${shown.operation}${shown.expires_at === undefined ? '' : `, lapses ${shown.expires_at}`}`,
    `  task       ${shown.task}${shown.purpose === undefined ? '' : ` (${shown.purpose})`}`,
    `  agent      ${shown.agent} for ${shown.delegator}`,
    `  handle     ${shown.handle}`,
    `  record     ${shown.decision}`,
    `  ends       ${how}: ${String(what)}`,
    ...(shown.attempts === 0 ? [] : [`  attempts   ${shown.attempts}`]),
    ...(shown.problem === undefined ? [] : [`  problem    ${shown.problem}`]),
    ...(shown.overstays_since === undefined ? [] : [`  overstays  since ${shown.overstays_since}`]),
    ...(over === undefined
      ? []
      : [`  over       ${over.at}${over.by === undefined ? '' : ` by ${over.by}`}: ${over.reason ?? ''}`]),
  ];
  for (const line of lines) io.out(printable(line));
}
