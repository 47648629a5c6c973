import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { guessed, type Guessed } from '../../catalogue/guess.ts';
import type { ImportedTarget } from '../../catalogue/imported.ts';
import { targetText } from '../../catalogue/target-text.ts';
import { Conflict } from '../../core/errors.ts';
import { UsageError, type Command, type Io } from '../io.ts';
import { askFor, askForArguments, choose, type Choices } from './choose.ts';
import { SOURCES } from './sources.ts';
import { TARGET_ADD_USAGE } from './usage.ts';
import { countOf, rowOf, wireOf } from './table.ts';

const OPTIONS = {
  name: { type: 'string' },
  server: { type: 'string' },
  out: { type: 'string' },
  only: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  accept: { type: 'boolean', default: false },
  'accept-certain': { type: 'boolean', default: false },
  'accept-arguments': { type: 'boolean', default: false },
} as const;

/** Imports a document, shows what is guessed of each operation, and writes the target file of what was accepted. */
export const addTarget: Command = async (argv, io) => {
  const end = argv.indexOf('--');
  const args = end < 0 ? argv : argv.slice(0, end);
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const [kind = '', ...from] = positionals;
  const read = Object.hasOwn(SOURCES, kind) ? SOURCES[kind as keyof typeof SOURCES] : undefined;
  const { name, server } = values;
  if (read === undefined || name === undefined) throw new UsageError(TARGET_ADD_USAGE);
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name) || name === 'remit') {
    throw new UsageError(
      `\`--name ${name}\`: expected a name of a-z, 0-9 and -, starting with a letter, and not \`remit\``,
    );
  }
  const out = values.out ?? `targets/${name}.yaml`;
  if (existsSync(out)) {
    throw new Conflict(`\`${out}\` is there already; name another with \`--out\`, or remove it to begin anew`);
  }
  const { target, source } = await read({
    from,
    command: end < 0 ? [] : argv.slice(end + 1),
    name,
    server,
    wanted: wantedOf(values.only),
  });
  const operations = guessed(target.operations);
  await take(operations, values, io);
  write(out, targetText({ name, source, target, operations }));
  report({ out, target, operations }, io);
  return 0;
};

/** The command line says what is accepted; where it says nothing, a person at a terminal does, and without one nothing is. */
async function take(
  operations: readonly Guessed[],
  {
    accept,
    'accept-certain': certain,
    'accept-arguments': agreed,
    set = [],
  }: { accept: boolean; 'accept-certain': boolean; 'accept-arguments': boolean; set?: string[] },
  io: Io,
): Promise<void> {
  const choices: Choices = { accept: accept ? 'all' : certain ? 'certain' : 'none', arguments: agreed, set };
  choose(operations, choices);
  for (const each of operations) io.out(io.json ? JSON.stringify(wireOf(each)) : rowOf(each));
  const silent = choices.accept === 'none' && set.length === 0;
  if (!silent || io.ask === undefined || io.json) return;
  await askFor(operations, io, io.ask);
  if (!agreed) await askForArguments(operations, io.ask);
}

/** `exclusive`: what somebody has written in the meantime is not lost. */
function write(out: string, text: string): void {
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, text, { flag: 'wx' });
}

function report(
  { out, target, operations }: { out: string; target: ImportedTarget; operations: Guessed[] },
  io: Io,
): void {
  if (io.json) return;
  const accepted = operations.flatMap(({ accepted: said }) => (said === null ? [] : [said.effect]));
  const left = operations.length - accepted.length;
  for (const note of target.notes) io.out(`note: ${note}`);
  io.out(
    `${out}: ${accepted.length} of ${operations.length} operations accepted${accepted.length > 0 ? ` (${countOf(accepted)})` : ''}`,
  );
  if (left > 0) io.out(`${left} not: they are denied until \`guess\` is replaced by \`effect\``);
  io.out(`review it, and name it under \`targets\` in the configuration`);
}

/** `--only`: any of the patterns, of the name or of the path. */
function wantedOf(patterns: readonly string[] | undefined): (name: string, request: string) => boolean {
  if (patterns === undefined) return () => true;
  const all = patterns.map((pattern) => {
    const literal = pattern.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    return new RegExp(`^${literal.join('.*')}$`, 'i');
  });
  return (name, request) =>
    all.some((each) => [name, request, request.replace(/^\S+ /, '')].some((text) => each.test(text)));
}
