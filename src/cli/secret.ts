import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InvalidRequest } from '../core/errors.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';

export const SECRET_USAGE = `remit secret list                       the secrets in the encrypted store, without their values
remit secret set NAME [--file FILE]     put one there; its value is read from standard input, or from the file
remit secret rotate NAME [--file FILE]  give it another value, which is used from the next request on
remit secret remove NAME                remove it
remit secret reseal                     encrypt everything that is kept with a new key`;

type SecretWire = { name: string; version: number; set_at: string; targets: string[] };

/** No value is ever an argument: others can read those, and shells remember them. */
export const secret: Command = async ([verb = 'list', ...args], io) => {
  switch (verb) {
    case 'list': {
      if (args.length > 0) throw new UsageError(SECRET_USAGE);
      const { secrets } = await callApi<{ secrets: SecretWire[] }>(io, 'GET', '/secrets');
      for (const one of secrets) print(one, io);
      if (secrets.length === 0 && !io.json) io.out('no secrets');
      return 0;
    }
    case 'set':
    case 'rotate': {
      const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { file: { type: 'string' } },
      });
      const name = one(positionals);
      const value = valueFrom(values.file);
      print(await callApi<SecretWire>(io, 'POST', `/secrets/${verb}`, { name, value }), io);
      return 0;
    }
    case 'remove':
      print(await callApi<SecretWire>(io, 'POST', '/secrets/remove', { name: one(args) }), io);
      return 0;
    case 'reseal': {
      if (args.length > 0) throw new UsageError(SECRET_USAGE);
      return printResealed(await callApi<Resealed>(io, 'POST', '/secrets/reseal', {}), io);
    }
    default:
      throw new UsageError(SECRET_USAGE);
  }
};

/** The end of the last line is not part of it. */
function valueFrom(file: string | undefined): string {
  try {
    // 0: standard input, to its end.
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file ?? 0)).replace(/\r?\n$/, '');
  } catch (cause) {
    const place = file === undefined ? 'standard input' : `\`${file}\``;
    throw new InvalidRequest(`${place} cannot be read, or is not UTF-8`, { cause });
  }
}

function one(args: string[]): string {
  const [name, ...rest] = args;
  if (name === undefined || rest.length > 0) throw new UsageError(SECRET_USAGE);
  return name;
}

function print(wire: SecretWire, io: Io): void {
  if (io.json) {
    io.out(JSON.stringify(wire));
    return;
  }
  const used = wire.targets.length === 0 ? 'used by no target' : `used by ${wire.targets.join(', ')}`;
  io.out(`${wire.name}  version ${wire.version} since ${wire.set_at}, ${used}`);
}

type Resealed = { resealed: number; unreadable: string[] };

function printResealed(wire: Resealed, io: Io): number {
  if (io.json) io.out(JSON.stringify(wire));
  else {
    io.out(`${wire.resealed} values encrypted with a new key`);
    for (const name of wire.unreadable)
      io.out(`${name}  does not open: restore the key that it was sealed with, or set it again; then reseal once more`);
  }
  return wire.unreadable.length === 0 ? 0 : 1;
}
