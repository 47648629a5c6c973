import { UsageError, type Command } from '../io.ts';
import { REPLAY_USAGE, replayPolicy } from './replay.ts';

const POLICY_VERBS: Readonly<Record<string, Command>> = { replay: replayPolicy };

export const POLICY_USAGE = [REPLAY_USAGE].join('\n');

export const policy: Command = async ([verb = '', ...args], io) => {
  if (!Object.hasOwn(POLICY_VERBS, verb)) throw new UsageError(POLICY_USAGE);
  return POLICY_VERBS[verb]!(args, io);
};
