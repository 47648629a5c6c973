import { parseArgs } from 'node:util';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const KEYS_USAGE = `remit keys [list]                       the keys that sign tokens, and when each changes
remit keys rotate [--now | --leaked]    publish a new key; --now: it signs at once;
                                        --leaked: and tokens of all other keys are refused`;

const BOOLEAN = { type: 'boolean', default: false } as const;

type KeysWire = { keys: { kid: string; state: string; since: string; until: string }[]; encrypted: boolean };

export const keys: Command = async ([verb = 'list', ...args], io) => {
  if (verb === 'list' && args.length === 0) {
    print(await callApi<KeysWire>(io, 'GET', '/keys'), io);
    return 0;
  }
  if (verb !== 'rotate') throw new UsageError(KEYS_USAGE);
  const { values } = parseArgs({ args, options: { now: BOOLEAN, leaked: BOOLEAN } });
  print(await callApi<KeysWire>(io, 'POST', '/keys/rotate', { now: values.now, leaked: values.leaked }), io);
  return 0;
};

const UNTIL: Readonly<Record<string, string>> = { next: 'signs from', current: 'signs until', retiring: 'gone at' };

function print(wire: KeysWire, io: Io): void {
  if (io.json) {
    io.out(JSON.stringify(wire));
    return;
  }
  for (const { kid, state, since, until } of wire.keys) {
    io.out(`${kid}  ${state} since ${since}, ${UNTIL[state] ?? 'until'} ${until}`);
  }
  io.out(wire.encrypted ? 'encrypted at rest' : 'not encrypted at rest; see `keys.encryption`');
}
