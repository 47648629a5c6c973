import { printable } from '../audit/record-text.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { TARGET_ADD_USAGE } from './target-add/usage.ts';

export const TARGET_USAGE = `remit target list                                 targets and the state of their operations
remit target show TARGET OPERATION                its definition, and what has changed in it
remit target accept TARGET OPERATION DIGEST       accept a changed definition that you have reviewed
${TARGET_ADD_USAGE}`;

type TargetWire = {
  name: string;
  url: string;
  operations: { name: string; effect: string; sensitivity: string; definition: string; quarantined_digest?: string }[];
  unclassified?: string[];
};

type DefinitionWire = {
  state: string;
  digest: string;
  definition: unknown;
  quarantined_digest?: string;
  quarantined_definition?: unknown;
};

export const target: Command = async ([verb = 'list', ...args], io) => {
  // An importer brings parsers that no other command needs.
  if (verb === 'add') return (await import('./target-add/add.ts')).addTarget(args, io);
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
  if (verb === 'show') return showDefinition(args, io);
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
    for (const name of each.unclassified ?? []) io.out(`  ${name}  unclassified, and so denied`);
  }
  return 0;
};

async function showDefinition([name, operation, ...rest]: string[], io: Io): Promise<number> {
  if (name === undefined || operation === undefined || rest.length > 0) throw new UsageError(TARGET_USAGE);
  const path = `/targets/${encodeURIComponent(name)}/operations/${encodeURIComponent(operation)}`;
  const wire = await callApi<DefinitionWire>(io, 'GET', path);
  if (io.json) io.out(JSON.stringify(wire));
  // These are the target's words, which have been a way to mislead whoever reads them.
  else for (const line of reviewOf(wire)) io.out(printable(line));
  return 0;
}

/** The accepted definition; of a changed one the lines that are gone (`-`) and those that are new (`+`). */
function reviewOf(wire: DefinitionWire): string[] {
  const accepted = JSON.stringify(wire.definition, null, 2).split('\n');
  if (wire.quarantined_digest === undefined) return [`${wire.state} ${wire.digest}`, ...accepted];
  const changed = JSON.stringify(wire.quarantined_definition, null, 2).split('\n');
  return [
    `quarantined ${wire.quarantined_digest}`,
    ...accepted.filter((line) => !changed.includes(line)).map((line) => `- ${line}`),
    ...changed.map((line) => (accepted.includes(line) ? `  ${line}` : `+ ${line}`)),
  ];
}
