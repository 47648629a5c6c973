import { parseArgs } from 'node:util';
import { printable } from '../audit/record-text.ts';
import { answerApprovals, byRisk, loadText, type Listing } from './answer-approvals.ts';
import { callApi } from './api.ts';
import { printApproval, standingText, type ApprovalWire, type StandingWire } from './approval-text.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const APPROVALS_USAGE = `remit approvals                         on a terminal: answer what waits, the riskiest first; else as list
remit approvals list [--state STATE]    what waits for an answer, the riskiest first
remit approvals show ID                 exactly what is asked for, to the last character
remit approve ID [--reason TEXT] [--digest DIGEST]   yes, to exactly this, once; only if it is what the digest names
              [--next N --minutes M [--vary ARGUMENT[=PATTERN]]… [--resource PATTERN]…]
                                        and to the next N like it, which may differ in these
remit refuse ID [--reason TEXT] [--digest DIGEST]    no
remit approvals standing [--all]        answers that were given for the next ones
remit approvals revoke ID               take one of them back`;

export const approvals: Command = async ([verb, ...args], io) => {
  switch (verb) {
    case undefined:
      return overview(io);
    case 'list':
      return list(args, io);
    case 'show':
      printApproval(await callApi<ApprovalWire>(io, 'GET', `/approvals/${one(args)}`), io);
      return 0;
    case 'standing':
      return standing(args, io);
    case 'revoke':
      printStanding(await callApi<StandingWire>(io, 'POST', `/standing-answers/${one(args)}/revoke`), io);
      return 0;
    default:
      throw new UsageError(APPROVALS_USAGE);
  }
};

export const approve: Command = (args, io) => answer(args, 'approve', io);
export const refuse: Command = (args, io) => answer(args, 'refuse', io);

async function overview(io: Io): Promise<number> {
  if (io.ask === undefined || io.json) return list([], io);
  await answerApprovals(await waiting(io, 'pending'), io, io.ask);
  return 0;
}

function waiting(io: Io, state: string): Promise<Listing> {
  return callApi<Listing>(io, 'GET', `/approvals?limit=200&state=${encodeURIComponent(state)}`);
}

async function list(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args, options: { state: { type: 'string' } } });
  const state = values.state ?? 'pending';
  const found = await waiting(io, state);
  for (const approval of byRisk(found.approvals).flat()) printApproval(approval, io);
  if (io.json) return 0;
  if (found.approvals.length === 0) io.out(`no ${state} approvals`);
  const warning = loadText(found.load);
  if (warning !== null) io.out(warning);
  return 0;
}

async function standing(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args, options: { all: { type: 'boolean', default: false } } });
  type Found = { standing_answers: StandingWire[] };
  const found = await callApi<Found>(io, 'GET', `/standing-answers?all=${values.all}`);
  for (const each of found.standing_answers) printStanding(each, io);
  if (found.standing_answers.length === 0 && !io.json) io.out('no standing answers');
  return 0;
}

function printStanding(each: StandingWire, io: Io): void {
  io.out(io.json ? JSON.stringify(each) : printable(standingText(each)));
}

async function answer(args: string[], verb: 'approve' | 'refuse', io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      reason: { type: 'string' },
      digest: { type: 'string' },
      next: { type: 'string' },
      minutes: { type: 'string' },
      vary: { type: 'string', multiple: true },
      resource: { type: 'string', multiple: true },
    },
  });
  const { reason, digest, ...rest } = values;
  const next = nextOf(rest);
  if (verb === 'refuse' && next !== undefined) throw new UsageError(APPROVALS_USAGE);
  const body = {
    ...(reason === undefined ? {} : { reason }),
    ...(digest === undefined ? {} : { digest }),
    ...(next === undefined ? {} : { next }),
  };
  printApproval(await callApi<ApprovalWire>(io, 'POST', `/approvals/${one(positionals)}/${verb}`, body), io);
  return 0;
}

type NextOptions = { next?: string; minutes?: string; vary?: string[]; resource?: string[] };

/** `--vary content` for any value, `--vary path=out/*` for those that are like the pattern. */
function nextOf({ next, minutes, vary = [], resource }: NextOptions): object | undefined {
  const isAsked = next !== undefined || minutes !== undefined;
  if (!isAsked && vary.length === 0 && resource === undefined) return undefined;
  const [uses, within] = [Number(next), Number(minutes)];
  if (!Number.isInteger(uses) || !Number.isInteger(within)) {
    throw new UsageError('`--next` and `--minutes` go together, and each needs a whole number');
  }
  const varied = vary.map((text): [string, string | null] => {
    const equals = text.indexOf('=');
    return equals === -1 ? [text, null] : [text.slice(0, equals), text.slice(equals + 1)];
  });
  return {
    uses,
    minutes: within,
    vary: {
      ...(varied.length === 0 ? {} : { arguments: Object.fromEntries(varied) }),
      ...(resource === undefined ? {} : { resources: resource }),
    },
  };
}

function one(args: string[]): string {
  const [id, ...rest] = args;
  if (id === undefined || rest.length > 0) throw new UsageError(APPROVALS_USAGE);
  return encodeURIComponent(id);
}
