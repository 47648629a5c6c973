import { parseArgs } from 'node:util';
import { printable } from '../audit/record-text.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const STOP_USAGE = `remit stop --everything --reason TEXT    the kill switch: every task ends, and nothing new begins
remit stop --person ID | --target NAME | --trust-domain NAME --reason TEXT
                                        the same for one of them; a person is ISSUER|SUBJECT, or the subject alone;
                                        an agent: remit agent suspend
remit stop list                         what may do nothing now
remit resume (--everything | --person … | --target … | --trust-domain …) [--reason TEXT]
                                        let it act again; what has ended stays ended
remit person offboard ID --reason TEXT  end all that the person has handed out, and take nothing more of them
remit person reinstate ID               take it again`;

type SuspensionWire = { kind: string; id: string; since: string; by: string; reason: string };
type Named = { kind: string; id?: string };

export const stop: Command = async (args, io) => {
  if (args[0] === 'list' && args.length === 1) return list(io);
  const { named, reason } = readNamed(args);
  // Whoever pulls it has a reason, and somebody will ask for it.
  if (reason === undefined) throw new UsageError(STOP_USAGE);
  return suspend({ ...named, reason }, io);
};

export const resume: Command = (args, io) => {
  const { named, reason } = readNamed(args);
  return resumeNamed({ ...named, reason: reason ?? 'resumed' }, io);
};

export const person: Command = async ([verb, ...args], io) => {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { reason: { type: 'string' } } });
  const [id, ...rest] = positionals;
  if (id === undefined || rest.length > 0) throw new UsageError(STOP_USAGE);
  const named = { kind: 'delegator', id };
  if (verb === 'offboard' && values.reason !== undefined) return suspend({ ...named, reason: values.reason }, io);
  if (verb === 'reinstate') return resumeNamed({ ...named, reason: values.reason ?? 'reinstated' }, io);
  throw new UsageError(STOP_USAGE);
};

async function list(io: Io): Promise<number> {
  const { suspensions } = await callApi<{ suspensions: SuspensionWire[] }>(io, 'GET', '/suspensions');
  for (const each of suspensions) print(each, io);
  if (suspensions.length === 0 && !io.json) io.out('nothing is stopped');
  return 0;
}

async function suspend(body: Named & { reason: string }, io: Io): Promise<number> {
  const stopped = await callApi<SuspensionWire & { ended: number }>(io, 'POST', '/suspensions', body);
  print(stopped, io);
  if (!io.json) io.out(`  ${stopped.ended} ${stopped.ended === 1 ? 'task has' : 'tasks have'} ended`);
  return 0;
}

async function resumeNamed(body: Named & { reason: string }, io: Io): Promise<number> {
  await callApi(io, 'POST', '/suspensions/resume', body);
  io.out(io.json ? JSON.stringify(body) : printable(`${textOf(body)} may act again; what has ended stays ended`));
  return 0;
}

function readNamed(args: string[]): { named: Named; reason: string | undefined } {
  const { values } = parseArgs({
    args,
    options: {
      everything: { type: 'boolean' },
      person: { type: 'string' },
      target: { type: 'string' },
      'trust-domain': { type: 'string' },
      reason: { type: 'string' },
    },
  });
  const { person: delegator, target, 'trust-domain': trustDomain, reason } = values;
  const named: Named[] = [
    ...(values.everything === true ? [{ kind: 'everything' }] : []),
    ...Object.entries({ delegator, target, trust_domain: trustDomain }).flatMap(([kind, id]) =>
      id === undefined ? [] : [{ kind, id }],
    ),
  ];
  // One at a time: what is stopped is what was meant.
  if (named.length !== 1) throw new UsageError(STOP_USAGE);
  return { named: named[0]!, reason };
}

function print(wire: SuspensionWire, io: Io): void {
  if (io.json) io.out(JSON.stringify(wire));
  else io.out(printable(`${textOf(wire)} is stopped since ${wire.since} by ${wire.by}: ${wire.reason}`));
}

function textOf({ kind, id }: Named): string {
  return kind === 'everything' ? kind : `${kind.replace('_', ' ')} ${id ?? ''}`;
}
