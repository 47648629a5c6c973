import { parseArgs } from 'node:util';
import { printable } from '../../audit/record-text.ts';
import { readPolicyFolder } from '../../config/policy-folder.ts';
import { callApi } from '../api.ts';
import { UsageError, type Command, type Io } from '../io.ts';

export const POLICY_PUBLISH_USAGE = `remit policy publish [FOLDER] [--accept-lockout]   put a folder's policies in force, decided by those that are
remit policy rollback [HASH] [--accept-lockout]    put an earlier set in force again; without HASH, the one before
remit policy status                                the set in force, and those before`;

type PublishedWire = {
  policy_set: string;
  replaced: string;
  warnings: { file: string; line: number; policy: string; message: string }[];
};
type StatusWire = {
  in_force: InForceWire;
  history: InForceWire[];
  distrusted: { policy_set: string; at: number; decision: string }[];
  referee: { state: string; sample: number; checked: number; skipped: number; failed: number };
};
type InForceWire = { policy_set: string; at: number; distrusted: boolean };

const OPTIONS = { 'accept-lockout': { type: 'boolean', default: false } } as const;

export const policyPublish: Command = async (args, io) => {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
  if (positionals.length > 1) throw new UsageError(POLICY_PUBLISH_USAGE);
  const files = readPolicyFolder(positionals[0] ?? 'policies');
  const body = { files, accept_lockout: values['accept-lockout'] };
  return tell(await callApi<PublishedWire>(io, 'POST', '/policy/publish', body), io);
};

export const policyRollback: Command = async (args, io) => {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
  const [to, ...more] = positionals;
  if (more.length > 0) throw new UsageError(POLICY_PUBLISH_USAGE);
  const body = { ...(to === undefined ? {} : { to }), accept_lockout: values['accept-lockout'] };
  return tell(await callApi<PublishedWire>(io, 'POST', '/policy/rollback', body), io);
};

export const policyStatus: Command = async (args, io) => {
  if (args.length > 0) throw new UsageError(POLICY_PUBLISH_USAGE);
  const status = await callApi<StatusWire>(io, 'GET', '/policy');
  if (io.json) io.out(JSON.stringify(status));
  else {
    for (const [place, { policy_set: hash, at, distrusted }] of status.history.entries()) {
      const note = distrusted ? '  distrusted' : '';
      io.out(`${place === 0 ? 'in force' : '        '}  ${new Date(at).toISOString()}  ${hash}${note}`);
    }
    const { state, sample, checked, skipped, failed } = status.referee;
    io.out(`referee ${state}: sample ${sample}, ${checked} decisions checked, ${skipped} skipped, ${failed} failed`);
    for (const { policy_set: hash, decision } of status.distrusted) {
      io.out(printable(`distrusted: ${hash}; see \`remit log show ${decision}\``));
    }
    if (status.in_force.distrusted) {
      io.out('everything is denied: publish another set (a change to one policy makes one), or roll back');
    }
  }
  return 0;
};

function tell(published: PublishedWire, io: Io): number {
  if (io.json) io.out(JSON.stringify(published));
  else {
    for (const { file, line, policy, message } of published.warnings) {
      io.out(printable(`${file}:${line}: warning: \`${policy}\` ${message}`));
    }
    io.out(`in force: ${published.policy_set}`);
    io.out(`replaced: ${published.replaced}`);
  }
  return 0;
}
