import { parse as parseYaml } from 'yaml';
import type { JsonValue } from '../../src/core/json.ts';
import { parsePythonLiteral } from './python-literal.ts';

/**
 * What a tool returned, as the value that its author printed: suites keep results as text, in JSON, as a Python literal or
 * in YAML, where a gateway would see the structure. Text that is none of these stays text.
 */
export function parseOutput(text: string): JsonValue {
  const trimmed = text.trim();
  if (/^[[{]/.test(trimmed)) return parsed(trimmed, JSON.parse) ?? parsePythonLiteral(trimmed) ?? text;
  if (/^(- |[\w-]+:(\s|$))/.test(trimmed)) {
    const value = parsed(trimmed, (yaml) => parseYaml(yaml, { schema: 'failsafe' }) as JsonValue);
    // A note that starts with `Dear:` is no mapping: whatever YAML makes one text of is text.
    if (typeof value === 'object' && value !== null) return value;
  }
  return text;
}

function parsed(text: string, parse: (text: string) => JsonValue): JsonValue | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
