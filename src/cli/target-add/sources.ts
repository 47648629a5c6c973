import type { ImportedTarget } from '../../catalogue/imported.ts';
import { importOpenApi } from '../../catalogue/openapi/import.ts';
import { UsageError } from '../io.ts';
import { documentOf } from './fetch-document.ts';

export type SourceOptions = {
  /** What follows the kind on the command line. */
  from: readonly string[];
  name: string;
  server: string | undefined;
  wanted: (name: string, request: string) => boolean;
};

/** What is imported, and what the target file says that it was made from. */
type Source = (options: SourceOptions) => Promise<{ target: ImportedTarget; source: string }>;

export const SOURCES = {
  openapi: async ({ from, name, server, wanted }) => {
    const file = only(from);
    const { text, from: url } = await documentOf(file);
    return { target: importOpenApi({ file, text, from: url, server, target: name, wanted }), source: file };
  },
} satisfies Record<string, Source>;

function only(from: readonly string[]): string {
  const [file, ...rest] = from;
  if (file === undefined || rest.length > 0) throw new UsageError('expected one FILE or URL of a document');
  return file;
}
