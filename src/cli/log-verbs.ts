import { UsageError, type Command } from './io.ts';
import { LOG_USAGE, logProve, logShow, logTail, logVerify } from './log.ts';

const LOG_VERBS = { tail: logTail, show: logShow, prove: logProve, verify: logVerify } as const;

export const LOG_HELP = Object.values(LOG_USAGE).join('\n');

export const log: Command = async ([verb = '', ...args], io) => {
  if (!Object.hasOwn(LOG_VERBS, verb)) throw new UsageError(LOG_HELP);
  const withDir = args.includes('--dir') ? args : [...args, '--dir', `${io.dataDir}/log`];
  return LOG_VERBS[verb as keyof typeof LOG_VERBS](withDir, io);
};
