import { importGraphql } from '../../catalogue/graphql/import.ts';
import type { ImportedTarget } from '../../catalogue/imported.ts';
import { importMcp } from '../../catalogue/mcp/import.ts';
import { importOpenApi } from '../../catalogue/openapi/import.ts';
import { readDocument } from '../../catalogue/openapi/read-document.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { UsageError } from '../io.ts';
import { documentOf } from './fetch-document.ts';
import { listTools } from './list-tools.ts';

export type SourceOptions = {
  /** What follows the kind on the command line. */
  from: readonly string[];
  /** What follows `--`. */
  command: readonly string[];
  name: string;
  server: string | undefined;
  wanted: (name: string, request: string) => boolean;
};

/** What is imported, and what the target file says that it was made from. */
type Source = (options: SourceOptions) => Promise<{ target: ImportedTarget; source: string }>;

export const SOURCES = {
  openapi: async ({ from, name, server, wanted }) => {
    const file = documentNamed(from);
    const { text, from: url } = await documentOf(file);
    return { target: importOpenApi({ file, text, from: url, server, target: name, wanted }), source: file };
  },

  graphql: async ({ from, server, wanted }) => {
    const file = documentNamed(from);
    const { text } = await documentOf(file);
    return { target: importGraphql({ file, text, server, wanted }), source: file };
  },

  mcp: async ({ from, command, server, wanted }) => {
    const [program, ...args] = command;
    if ((program === undefined) === (server === undefined)) {
      throw new UsageError('expected the server itself: `--server URL`, or `-- COMMAND` that starts it');
    }
    const upstream: JsonObject =
      server === undefined ? { stdio: { command: program!, args } } : { http: { url: server } };
    if (from.length > 0) {
      const file = documentNamed(from);
      const { text } = await documentOf(file);
      return {
        target: importMcp({ from: file, tools: toolsIn(readDocument(file, text)), upstream, wanted }),
        source: file,
      };
    }
    const tools = await listTools(server === undefined ? { command: program!, args } : { url: server });
    const source = server ?? [program, ...args].join(' ');
    return { target: importMcp({ from: source, tools, upstream, wanted }), source };
  },
} satisfies Record<string, Source>;

/** The result of `tools/list`, or the whole response. */
function toolsIn(answer: JsonObject): unknown[] {
  const { tools } = isJsonObject(answer['result']) ? answer['result'] : answer;
  return Array.isArray(tools) ? tools : [];
}

function documentNamed(from: readonly string[]): string {
  const [file, ...rest] = from;
  if (file === undefined || rest.length > 0) throw new UsageError('expected one FILE or URL of a document');
  return file;
}
