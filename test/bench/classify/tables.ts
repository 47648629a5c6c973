import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../../src/core/json.ts';
import type { Row } from './corpus.ts';

/** A table of our own, such as other-apis.txt, as a corpus whose rows carry their effect. */
export function readTable(file: string): Row[] {
  const rows: Row[] = [];
  let api = '';
  for (const line of readFileSync(join(import.meta.dirname, file), 'utf8').split('\n')) {
    if (line.startsWith('= ')) api = line.slice(2);
    if (line.startsWith('#') || !line.includes(' | ')) continue;
    const [effect = '', request = '', name = '', summary = '', hints = ''] = line.split('|').map((cell) => cell.trim());
    const [method = '', path = ''] = request.split(' ');
    rows.push(
      request === ''
        ? { effect, package: api, name, description: summary, annotations: annotationsOf(hints) }
        : { effect, api, method, path, operationId: name, summary },
    );
  }
  return rows;
}

function annotationsOf(hints: string): JsonObject | null {
  return hints === '' ? null : (JSON.parse(hints) as JsonObject);
}
