import { parseArgs } from 'node:util';
import { printable } from '../audit/record-text.ts';
import { RemitError } from '../core/errors.ts';
import { ERROR_TABLE } from '../server/error-table.ts';
import { askAtTerminal } from './ask-at-terminal.ts';
import { approvals, APPROVALS_USAGE, approve, refuse } from './approvals.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { keys, KEYS_USAGE } from './keys.ts';
import { LOG_USAGE, logProve, logShow, logTail, logVerify } from './log.ts';
import { obtainIdToken } from './login.ts';
import { openPersonSession } from './person-session.ts';
import { login, LOGIN_USAGE, logout, whoami } from './sign-in/commands.ts';
import { LoginStore } from './sign-in/login-store.ts';
import { storedIdToken } from './sign-in/stored-login.ts';
import { policy, POLICY_USAGE } from './policy/policy.ts';
import { person, resume, stop, STOP_USAGE } from './stop.ts';
import { target, TARGET_USAGE } from './target.ts';
import { task, TASK_USAGE } from './task.ts';
import { agent, AGENT_USAGE, call, mcp } from './workload.ts';

const LOG_VERBS = { tail: logTail, show: logShow, prove: logProve, verify: logVerify } as const;

const LOG_HELP = Object.values(LOG_USAGE).join('\n');

const log: Command = async ([verb = '', ...args], io) => {
  if (!Object.hasOwn(LOG_VERBS, verb)) throw new UsageError(LOG_HELP);
  const withDir = args.includes('--dir') ? args : [...args, '--dir', `${io.dataDir}/log`];
  return LOG_VERBS[verb as keyof typeof LOG_VERBS](withDir, io);
};

const COMMANDS: Readonly<Record<string, Command>> = {
  login,
  logout,
  whoami,
  task,
  approvals,
  approve,
  refuse,
  target,
  stop,
  resume,
  person,
  policy,
  keys,
  log,
  agent,
  mcp,
  call,
};

export const USAGE = `remit serve --config FILE [--dev] [--listen HOST:PORT] [--data DIR]   run Remit

${LOGIN_USAGE}

${TASK_USAGE}

${APPROVALS_USAGE}

${TARGET_USAGE}

${STOP_USAGE}

${POLICY_USAGE}

${KEYS_USAGE}

${AGENT_USAGE}

${LOG_HELP}

Options of all: --url URL (REMIT_URL), --data DIR (REMIT_DATA, .remit), --as PERSON (development), --json
A person signs in with \`remit login\` or --as, or brings an ID token in REMIT_ID_TOKEN.`;

/** Runs one command of the command line; resolves with the exit code. Errors are one line on stderr. */
export async function runCommand(argv: string[], env: Record<string, string | undefined>): Promise<number> {
  const [name = '', ...rest] = argv;
  const err = (line: string) => console.error(forTerminal(line));
  try {
    if (name === 'help' || name === '--help') {
      console.log(USAGE);
      return 0;
    }
    if (!Object.hasOwn(COMMANDS, name)) throw new UsageError(USAGE);
    const { own, args } = takeCommonOptions(rest);
    return await COMMANDS[name]!(args, ioOf(own, env));
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

function ioOf(own: CommonOptions, env: Record<string, string | undefined>): Io {
  const remitUrl = (own.url ?? env['REMIT_URL'] ?? 'http://127.0.0.1:7070').replace(/\/+$/, '');
  return {
    // What a program reads stays as it is: JSON has escaped what it must.
    out: (line) => console.log(own.json ? line : forTerminal(line)),
    err: (line) => console.error(forTerminal(line)),
    json: own.json,
    env,
    remitUrl,
    issuer: own.issuer,
    ask: process.stdin.isTTY && process.stdout.isTTY ? askAtTerminal : undefined,
    dataDir: own.data ?? env['REMIT_DATA'] ?? '.remit',
    person: () =>
      openPersonSession({
        remitUrl,
        idToken: () => {
          const brought = env['REMIT_ID_TOKEN'];
          if (own.as === undefined && brought !== undefined && brought !== '') return Promise.resolve(brought);
          if (own.as === undefined) return storedIdToken(new LoginStore(env), remitUrl, own.issuer);
          return obtainIdToken({ issuer: `${remitUrl}/dev/idp`, clientId: 'remit', as: own.as });
        },
      }),
  };
}
