import { AGENT_USAGE } from './workload.ts';
import { APPROVALS_USAGE } from './approvals.ts';
import { CONSENT_USAGE } from './consent.ts';
import { KEYS_USAGE } from './keys.ts';
import { SECRET_USAGE } from './secret.ts';
import { LABELS_USAGE } from './labels.ts';
import { LEASE_USAGE } from './lease.ts';
import { LOG_HELP } from './log-verbs.ts';
import { POLICY_USAGE } from './policy/policy.ts';
import { PROFILE_USAGE } from './profile.ts';
import { PROXY_USAGE } from './proxy/command.ts';
import { RECONCILE_USAGE } from './reconcile.ts';
import { REVOCATIONS_USAGE } from './revocations.ts';
import { SERVE_USAGE } from './serve-usage.ts';
import { LOGIN_USAGE } from './sign-in/commands.ts';
import { STOP_USAGE } from './stop.ts';
import { TARGET_USAGE } from './target.ts';
import { TASK_USAGE } from './task.ts';

/** What all commands say of themselves. */
export const USAGE = `${[
  SERVE_USAGE,
  LOGIN_USAGE,
  TASK_USAGE,
  PROFILE_USAGE,
  APPROVALS_USAGE,
  TARGET_USAGE,
  STOP_USAGE,
  LEASE_USAGE,
  LABELS_USAGE,
  POLICY_USAGE,
  SECRET_USAGE,
  CONSENT_USAGE,
  KEYS_USAGE,
  REVOCATIONS_USAGE,
  AGENT_USAGE,
  PROXY_USAGE,
  LOG_HELP,
  RECONCILE_USAGE,
].join('\n\n')}

Options of all: --url URL (REMIT_URL), --data DIR (REMIT_DATA, .remit), --as PERSON (development), --json
A person signs in with \`remit login\` or --as, or brings an ID token in REMIT_ID_TOKEN.`;
