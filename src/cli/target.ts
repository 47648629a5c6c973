import { callApi } from './api.ts';
import { UsageError, type Command } from './io.ts';

export const TARGET_USAGE = `remit target list                                 targets and the state of their operations
remit target accept TARGET OPERATION DIGEST       accept a changed definition that you have reviewed`;

type TargetWire = {
  name: string;
  url: string;
  operations: { name: string; effect: string; sensitivity: string; definition: string; quarantined_digest?: string }[];
};

export const target: Command = async ([verb = 'list', ...args], io) => {
  if (verb === 'accept') {
    const [name, operation, digest, ...rest] = args;
    if (name === undefined || operation === undefined || digest === undefined || rest.length > 0) {
      throw new UsageError(TARGET_USAGE);
    }
    const path = `/targets/${encodeURIComponent(name)}/operations/${encodeURIComponent(operation)}/accept`;
    const answer = await callApi<{ accepted: string }>(io, 'POST', path, { digest });
    io.out(io.json ? JSON.stringify(answer) : `accepted ${answer.accepted}`);
    return 0;
  }
  if (verb !== 'list' || args.length > 0) throw new UsageError(TARGET_USAGE);
  const { targets } = await callApi<{ targets: TargetWire[] }>(io, 'GET', '/targets');
  for (const each of targets) {
    if (io.json) {
      io.out(JSON.stringify(each));
      continue;
    }
    io.out(`${each.name}  ${each.url}`);
    for (const { name, effect, sensitivity, definition, quarantined_digest: changed } of each.operations) {
      io.out(`  ${name}  ${effect}  ${sensitivity}  ${definition}${changed === undefined ? '' : ` ${changed}`}`);
    }
  }
  return 0;
};
