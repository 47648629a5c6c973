import { existsSync, readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { UsageError } from './io.ts';

/** A file of YAML or JSON, or the same inline. */
export function readGrant(grant: string): unknown {
  try {
    return parseYaml(existsSync(grant) ? readFileSync(grant, 'utf8') : grant);
  } catch (cause) {
    throw new UsageError('`--grant` is neither a file nor a list of grants in YAML or JSON', { cause });
  }
}
