import { parseArgs } from 'node:util';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { openBrowser } from './sign-in/flows.ts';
import { openLoopback } from './sign-in/loopback.ts';

export const CONSENT_USAGE = `remit consent list                      the targets that you let remit act for you at
remit consent give TARGET [--open]      let it, for your own tasks alone, in a browser on this machine
remit consent withdraw TARGET           take that back`;

type ConsentWire = { target: string; given_at: string };

const FOR_A_PERSON_MS = 5 * 60_000;

export const consent: Command = async ([verb = 'list', ...args], io) => {
  switch (verb) {
    case 'list': {
      if (args.length > 0) throw new UsageError(CONSENT_USAGE);
      const { consents } = await callApi<{ consents: ConsentWire[] }>(io, 'GET', '/consents');
      for (const one of consents) print(one, io);
      if (consents.length === 0 && !io.json) io.out('no consents');
      return 0;
    }
    case 'give': {
      const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { open: { type: 'boolean', default: false } },
      });
      print(await give(one(positionals), values.open, io), io);
      return 0;
    }
    case 'withdraw': {
      const wire = await callApi<{ target: string; revoked: boolean | null }>(io, 'POST', '/consents/withdraw', {
        target: one(args),
      });
      if (io.json) io.out(JSON.stringify(wire));
      else io.out(`${wire.target}  withdrawn${REVOKED[String(wire.revoked)] ?? ''}`);
      return 0;
    }
    default:
      throw new UsageError(CONSENT_USAGE);
  }
};

const REVOKED: Readonly<Record<string, string>> = {
  true: ', and revoked at its server',
  false: '; its server could not be told, so withdraw it there too',
  null: '; its server has no way to be told, so withdraw it there too',
};

async function give(target: string, open: boolean, io: Io): Promise<ConsentWire> {
  const loopback = await openLoopback();
  let outcome = 'Nothing was consented to. Close this window and look at the terminal.';
  try {
    const begun = await callApi<{ id: string; authorization_url: string }>(io, 'POST', '/consents/begin', {
      target,
      redirect_uri: loopback.redirectUri,
    });
    io.err(`let remit act for you at ${target}, in a browser on this machine:`);
    io.err(`  ${begun.authorization_url}`);
    if (open) openBrowser(new URL(begun.authorization_url));
    const arrived = await loopback.arrival(begun.id, FOR_A_PERSON_MS);
    const response = arrived.search.slice(1);
    const given = await callApi<ConsentWire>(io, 'POST', '/consents/complete', { id: begun.id, response });
    outcome = 'Remit may act for you there, in your own tasks. Close this window.';
    return given;
  } finally {
    await loopback.finish(outcome);
  }
}

function one(args: string[]): string {
  const [target, ...rest] = args;
  if (target === undefined || rest.length > 0) throw new UsageError(CONSENT_USAGE);
  return target;
}

function print(wire: ConsentWire, io: Io): void {
  if (io.json) io.out(JSON.stringify(wire));
  else io.out(`${wire.target}  since ${wire.given_at}`);
}
