import { UsageError, type Command } from '../io.ts';
import { policyCheck, POLICY_CHECK_USAGE } from './check.ts';
import { policyDiff, POLICY_DIFF_USAGE } from './diff.ts';
import { policyExplain, POLICY_EXPLAIN_USAGE } from './explain.ts';
import { policyFmt, POLICY_FMT_USAGE } from './fmt.ts';
import { policyPublish, POLICY_PUBLISH_USAGE, policyRollback, policyStatus } from './publish.ts';
import { REPLAY_USAGE, replayPolicy } from './replay.ts';
import { policyTest, POLICY_TEST_USAGE } from './test.ts';

/** What can be done with policy, each in a file of its own. */
const POLICY_VERBS: Readonly<Record<string, Command>> = {
  check: policyCheck,
  test: policyTest,
  explain: policyExplain,
  diff: policyDiff,
  fmt: policyFmt,
  replay: replayPolicy,
  publish: policyPublish,
  rollback: policyRollback,
  status: policyStatus,
};

export const POLICY_USAGE = [
  POLICY_CHECK_USAGE,
  POLICY_TEST_USAGE,
  POLICY_EXPLAIN_USAGE,
  POLICY_DIFF_USAGE,
  POLICY_FMT_USAGE,
  REPLAY_USAGE,
  POLICY_PUBLISH_USAGE,
].join('\n');

export const policy: Command = async ([verb = '', ...args], io) => {
  if (!Object.hasOwn(POLICY_VERBS, verb)) throw new UsageError(POLICY_USAGE);
  return POLICY_VERBS[verb]!(args, io);
};
