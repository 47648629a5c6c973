import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Described } from '../../../src/catalogue/classify.ts';
import type { JsonObject } from '../../../src/core/json.ts';

/** A row of a corpus: an operation of an HTTP interface, or a tool of an MCP server. Either may carry its `effect`. */
export type Row = { effect?: string | null } & (
  | {
      api: string;
      method: string;
      path: string;
      operationId?: string | null;
      summary?: string | null;
      description?: string | null;
      tags?: string[] | null;
      scopes?: (Record<string, string[]> | string)[] | null;
      response_secret_fields?: string[] | null;
    }
  | {
      package: string;
      name: string;
      description?: string | null;
      inputSchema?: JsonObject | null;
      outputSchema?: JsonObject | null;
      annotations?: JsonObject | null;
    }
);

export function readCorpus(file: string): Row[] {
  const bytes = readFileSync(file);
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      const row: Row = JSON.parse(line);
      if (
        'api' in row ? typeof row.method === 'string' && typeof row.path === 'string' : typeof row.name === 'string'
      ) {
        return row;
      }
      throw new Error(
        `${file}:${at + 1}: expected an operation (\`api\`, \`method\`, \`path\`, …) or a tool (\`package\`, \`name\`, …)`,
      );
    });
}

export const corpusOf = (row: Row) => ('api' in row ? row.api : row.package);
export const nameOf = (row: Row) => ('api' in row ? `${row.method}:${row.operationId || row.path}` : row.name);

/**
 * What the classifier is shown. Blind, it sees the words alone: neither the method, nor the scopes, nor what a server says of
 * its own tools, so that what judges it is not what it was told.
 */
export function describedOf(row: Row, blind: boolean): Described {
  if ('package' in row) {
    return {
      name: row.name,
      description: row.description ?? undefined,
      inputSchema: row.inputSchema ?? undefined,
      outputSchema: row.outputSchema ?? undefined,
      hints: blind ? undefined : (row.annotations ?? undefined),
    };
  }
  const scopes = row.scopes?.flatMap((scope) => (typeof scope === 'string' ? [scope] : Object.values(scope).flat()));
  return {
    name: row.operationId || row.path,
    path: row.path,
    summary: row.summary ?? undefined,
    description: row.description ?? undefined,
    tags: row.tags ?? undefined,
    outputSchema: schemaOf(row.response_secret_fields ?? []),
    ...(blind ? {} : { method: row.method, scopes }),
  };
}

/** The schema that has members at `.Credentials.SessionToken`, `[].secret`. */
function schemaOf(paths: readonly string[]): JsonObject | undefined {
  if (paths.length === 0) return undefined;
  const root: JsonObject = {};
  for (const path of paths) {
    let at = root;
    for (const step of path.split('.').filter((part) => part !== '')) {
      if (step === '[]') at = member(at, 'items');
      else at = member(member(at, 'properties'), step.replace(/\[\]$/, ''));
    }
  }
  return root;
}

function member(of: JsonObject, name: string): JsonObject {
  of[name] ??= {};
  // Every member of these schemas was made here.
  return of[name] as JsonObject;
}
