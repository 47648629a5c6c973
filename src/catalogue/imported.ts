import type { JsonObject } from '../core/json.ts';
import type { Described } from './classify.ts';

/** An operation as it stands in somebody's document, before anybody has said what it does. */
export type ImportedOperation = {
  /** What it will be called in policies and records. */
  name: string;
  described: Described;
  /** What the target file says of it on the wire, in the file's own words; nothing of an MCP tool. */
  wire: JsonObject;
  /** What whoever accepts it has to know. */
  notes: string[];
};

/** A document made ready for a target file. */
export type ImportedTarget = {
  protocol: 'mcp' | 'http';
  /** The `upstream` of the target file. */
  upstream: JsonObject;
  /** A `credential` that can be written as it is, and lines that say what to fill in. */
  credential: { form: JsonObject | undefined; comments: string[] };
  operations: ImportedOperation[];
  notes: string[];
};

/** More than any interface has that one person could classify; what has more is imported in parts. */
export const MAX_OPERATIONS = 20_000;
