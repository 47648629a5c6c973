import { parseArgs } from 'node:util';
import { printable } from '../audit/record-text.ts';
import { RemitError } from '../core/errors.ts';
import { ERROR_TABLE } from '../server/error-table.ts';
import { UsageError, type Command, type Io } from './io.ts';

/** Each command, with the one file that it needs: a command starts as fast as what it imports. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  login: async () => (await import('./sign-in/commands.ts')).login,
  logout: async () => (await import('./sign-in/commands.ts')).logout,
  whoami: async () => (await import('./sign-in/commands.ts')).whoami,
  task: async () => (await import('./task.ts')).task,
  profile: async () => (await import('./profile.ts')).profile,
  approvals: async () => (await import('./approvals.ts')).approvals,
  approve: async () => (await import('./approvals.ts')).approve,
  refuse: async () => (await import('./approvals.ts')).refuse,
  target: async () => (await import('./target.ts')).target,
  stop: async () => (await import('./stop.ts')).stop,
  resume: async () => (await import('./stop.ts')).resume,
  person: async () => (await import('./stop.ts')).person,
  labels: async () => (await import('./labels.ts')).labels,
  lease: async () => (await import('./lease.ts')).lease,
  policy: async () => (await import('./policy/policy.ts')).policy,
  secret: async () => (await import('./secret.ts')).secret,
  consent: async () => (await import('./consent.ts')).consent,
  keys: async () => (await import('./keys.ts')).keys,
  revocations: async () => (await import('./revocations.ts')).revocations,
  reconcile: async () => (await import('./reconcile.ts')).reconcileCommand,
  log: async () => (await import('./log-verbs.ts')).log,
  agent: async () => (await import('./workload.ts')).agent,
  mcp: async () => (await import('./workload.ts')).mcp,
  call: async () => (await import('./workload.ts')).call,
  proxy: async () => (await import('./proxy/command.ts')).proxy,
};

/** Runs one command of the command line; resolves with the exit code. Errors are one line on stderr. */
export async function runCommand(argv: string[], env: Record<string, string | undefined>): Promise<number> {
  const [name = '', ...rest] = argv;
  const err = (line: string) => console.error(forTerminal(line));
  try {
    if (name === 'help' || name === '--help') {
      console.log((await import('./usage-text.ts')).USAGE);
      return 0;
    }
    if (!Object.hasOwn(COMMANDS, name)) throw new UsageError((await import('./usage-text.ts')).USAGE);
    const { own, args } = takeCommonOptions(rest);
    const command = await COMMANDS[name]!();
    return await command(args, await ioOf(own, env));
  } catch (error) {
    return report(error, err);
  }
}

function report(error: unknown, err: (line: string) => void): number {
  if (error instanceof UsageError) {
    err(error.message);
    return 2;
  }
  if (error instanceof RemitError) {
    err(`remit: ${error.message}`);
    return ERROR_TABLE[error.code].exit;
  }
  if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
    err(`remit: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`);
    return 2;
  }
  err(`remit: ${error instanceof Error ? error.message : String(error)}`);
  return ERROR_TABLE.internal.exit;
}

type CommonOptions = { url?: string; data?: string; as?: string; issuer?: string; json: boolean };

/** Takes the options of all commands out, wherever they stand before `--`. */
function takeCommonOptions(argv: string[]): { own: CommonOptions; args: string[] } {
  const end = argv.indexOf('--');
  const before = end === -1 ? argv : argv.slice(0, end);
  const { tokens } = parseArgs({
    args: before,
    strict: false,
    tokens: true,
    options: {
      url: { type: 'string' },
      data: { type: 'string' },
      as: { type: 'string' },
      issuer: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const own: CommonOptions = { json: false };
  const taken = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    if (token.name === 'json') own.json = true;
    else if (token.name === 'url' || token.name === 'data' || token.name === 'as' || token.name === 'issuer') {
      if (token.value === undefined) throw new UsageError(`\`--${token.name}\` needs a value`);
      own[token.name] = token.value;
      if (!token.inlineValue) taken.add(token.index + 1);
    } else continue;
    taken.add(token.index);
  }
  const args = before.filter((_arg, place) => !taken.has(place));
  return { own, args: end === -1 ? args : [...args, ...argv.slice(end)] };
}

/** Whatever a file, a server or a tool has said: lines and tabs stay, what would steer the terminal does not. */
function forTerminal(text: string): string {
  return text.replace(/[^\n\t]+/g, printable);
}

async function ioOf(own: CommonOptions, env: Record<string, string | undefined>): Promise<Io> {
  const remitUrl = (own.url ?? env['REMIT_URL'] ?? 'http://127.0.0.1:7070').replace(/\/+$/, '');
  return {
    // What a program reads stays as it is: JSON has escaped what it must.
    out: (line) => console.log(own.json ? line : forTerminal(line)),
    err: (line) => console.error(forTerminal(line)),
    json: own.json,
    env,
    remitUrl,
    issuer: own.issuer,
    ask: process.stdin.isTTY && process.stdout.isTTY ? (await import('./ask-at-terminal.ts')).askAtTerminal : undefined,
    dataDir: own.data ?? env['REMIT_DATA'] ?? '.remit',
    person: async () => (await import('./signed-in.ts')).signedIn({ ...own, remitUrl, env }),
  };
}
