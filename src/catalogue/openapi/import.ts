import { InvalidConfig } from '../../core/errors.ts';
import type { ImportedTarget } from '../imported.ts';
import { asText } from './as-text.ts';
import { operationsOf, type Wanted } from './operations.ts';
import { readDocument } from './read-document.ts';
import { References } from './references.ts';
import { credentialOf } from './security.ts';
import { serverOf } from './server.ts';

export type OpenApiSource = {
  /** What messages call it. */
  file: string;
  text: string;
  /** Where it was fetched from. */
  from?: string | undefined;
  /** The base URL that the person names. */
  server?: string | undefined;
  /** The name of the target. */
  target: string;
  wanted?: Wanted;
};

/**
 * An OpenAPI document (2.0, 3.0, 3.1 or later of 3; JSON or YAML) as a target.
 *
 * @throws InvalidConfig with what is wrong and what to do.
 */
export function importOpenApi({
  file,
  text,
  from,
  server,
  target,
  wanted = () => true,
}: OpenApiSource): ImportedTarget {
  const document = readDocument(file, text);
  const version = document['openapi'] ?? document['swagger'];
  if (!/^(?:3\.\d|2\.0)/.test(asText(version ?? ''))) {
    throw new InvalidConfig(
      `${file}: expected \`openapi: 3.x\` or \`swagger: "2.0"\`${version === undefined ? '' : `, not \`${asText(version)}\``}`,
    );
  }
  const references = new References(file, document);
  const base = serverOf(file, document, { from, told: server });
  const { operations, leftOut } = operationsOf(file, document, references, wanted);
  return {
    protocol: 'http',
    upstream: { url: base.url },
    credential: credentialOf(document, references, target),
    operations,
    notes: [...base.notes, ...leftOutNote(leftOut)],
  };
}

function leftOutNote(paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const some = paths.slice(0, 5).map((path) => `\`${path}\``);
  return [
    `left out, since no template can say them: ${some.join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`,
  ];
}
