import { load } from 'js-yaml';
import { InvalidConfig } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';

/** The largest document that is read: some ten times that of an interface with a thousand operations. */
export const MAX_DOCUMENT_BYTES = 128 * 1024 * 1024;

/**
 * The text of a JSON or YAML document as a value. Nothing is fetched, and an alias stands for the same object again, so that
 * what unfolds to more than any memory stays as large as the text.
 *
 * @throws InvalidConfig when it is neither, or no object.
 */
export function readDocument(file: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = /^\s*\{/.test(text) ? JSON.parse(text) : load(text, { filename: file });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0]! : 'it cannot be parsed';
    throw new InvalidConfig(`${file}: expected JSON or YAML: ${why}`, { cause });
  }
  if (isJsonObject(value)) return value;
  throw new InvalidConfig(`${file}: expected an object, as an OpenAPI document is`);
}
