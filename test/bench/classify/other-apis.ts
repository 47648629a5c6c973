import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from './corpus.ts';

/** The table of other-apis.txt as a corpus whose rows carry their effect. */
export function otherApis(): Row[] {
  const rows: Row[] = [];
  let api = '';
  for (const line of readFileSync(join(import.meta.dirname, 'other-apis.txt'), 'utf8').split('\n')) {
    if (line.startsWith('= ')) api = line.slice(2);
    if (line.startsWith('#') || !line.includes(' | ')) continue;
    const [effect = '', request = '', name = '', summary = ''] = line.split('|').map((cell) => cell.trim());
    const [method = '', path = ''] = request.split(' ');
    rows.push(
      request === ''
        ? { effect, package: api, name, description: summary }
        : { effect, api, method, path, operationId: name, summary },
    );
  }
  return rows;
}
