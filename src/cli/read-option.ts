import { existsSync, readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { UsageError } from './io.ts';

/** The value of an option: a file of YAML or JSON, or the same inline. */
export function readOption(name: string, value: string): unknown {
  try {
    return parseYaml(existsSync(value) ? readFileSync(value, 'utf8') : value);
  } catch (cause) {
    throw new UsageError(`\`--${name}\` is neither a file nor YAML or JSON`, { cause });
  }
}
