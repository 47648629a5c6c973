import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readPolicyFile, readPolicyFolder } from '../../config/policy-folder.ts';
import { formatPolicies } from '../../pdp/cedar/format.ts';
import { UsageError, type Command } from '../io.ts';

export const POLICY_FMT_USAGE =
  'remit policy fmt [FOLDER | FILE…] [--check]       format in place; --check only tells which files differ';

/** Exit code 0; with `--check` 1 when a file is not formatted. */
export const policyFmt: Command = (args, io) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { check: { type: 'boolean', default: false } },
  });
  const files = (positionals.length === 0 ? ['policies'] : positionals).flatMap(cedarFiles);
  let different = 0;
  for (const file of files) {
    const { text } = readPolicyFile(file);
    const formatted = formatPolicies(text);
    if ('problem' in formatted) throw new UsageError(`remit: ${file}: ${formatted.problem}`);
    if (formatted.text === text) continue;
    different += 1;
    if (!values.check) writeFileSync(file, formatted.text);
    io.out(io.json ? JSON.stringify({ file, formatted: !values.check }) : file);
  }
  if (!io.json) {
    io.out(`${different} of ${files.length} files ${values.check ? 'differ from their formatted form' : 'formatted'}`);
  }
  return Promise.resolve(values.check && different > 0 ? 1 : 0);
};

function cedarFiles(path: string): string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  return Object.keys(readPolicyFolder(path))
    .filter((name) => name.endsWith('.cedar'))
    .map((name) => join(path, name));
}
