import { EFFECTS, type Effect } from '../../../src/core/effect.ts';
import { corpusOf, type Row } from './corpus.ts';
import { LABELS } from './labels.ts';

/** What an operation really does, as far as it is known, and by whom. `not read`: something else, which is not known. */
export type Verdict = { effect: Effect | 'not read'; by: 'data' | 'labels' | 'method' | 'annotations' } | undefined;

const isEffect = (text: unknown): text is Effect => EFFECTS.some((effect) => effect === text);

/**
 * The effect that the data itself states; else our own labels; else the HTTP method, or what the server says of its tool. The
 * last two are no truth: an interface that sends everything by POST is misjudged by them, and their figures say so.
 */
export function verdictOf(row: Row): Verdict {
  if (isEffect(row.effect)) return { effect: row.effect, by: 'data' };
  const labels = LABELS[corpusOf(row)];
  if (labels !== undefined) {
    const ids = idsOf(row);
    for (const effect of EFFECTS) {
      if (labels[effect]?.split(/\s+/).some((id) => ids.includes(id)) === true) return { effect, by: 'labels' };
    }
    if (labels.otherwise === 'read') return { effect: 'read', by: 'labels' };
  }
  if ('package' in row) {
    const readOnly = row.annotations?.readOnlyHint;
    if (readOnly === true) return { effect: 'read', by: 'annotations' };
    return readOnly === false || row.annotations?.destructiveHint === true
      ? { effect: 'not read', by: 'annotations' }
      : undefined;
  }
  const by = labels === undefined ? 'method' : 'labels';
  const method = row.method.toUpperCase();
  if (method === 'GET' || method === 'HEAD') return { effect: 'read', by };
  if (method === 'DELETE') return { effect: 'delete', by };
  return { effect: method === 'POST' && by === 'method' ? 'not read' : 'write', by };
}

function idsOf(row: Row): string[] {
  if ('package' in row) return [row.name];
  const { operationId, method, path } = row;
  return [operationId ?? '', operationId?.replace(/^(?:GET|POST)_/, '') ?? '', `${method}:${path}`];
}
