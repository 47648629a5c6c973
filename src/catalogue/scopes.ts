import type { Effect } from '../core/effect.ts';
import { wordsOf } from './words.ts';

const READS = new Set('read readonly readbasic history list view viewer get search'.split(' '));
const WRITES: ReadonlyMap<string, Effect> = new Map(
  Object.entries({
    write: 'write',
    readwrite: 'write',
    manage: 'write',
    edit: 'write',
    update: 'write',
    create: 'write',
    modify: 'write',
    insert: 'write',
    delete: 'delete',
    send: 'send',
    share: 'send',
    execute: 'execute',
    run: 'execute',
    invoke: 'execute',
  }),
);

/**
 * What the scopes that an operation asks for are for: `chat:write`, `Mail.Send`, `drive.readonly`. Where one of them is for
 * reading, whoever may only read may call it; a scope that names no such thing (`repo`, `admin`) says nothing.
 */
export function scopeEffect(scopes: readonly string[]): Effect | undefined {
  const effects = scopes.flatMap((scope) => {
    const words = wordsOf(scope.replace(/^https?:\/\/[^/]*\//, ''));
    const write = words.map((word) => WRITES.get(word)).find((effect) => effect !== undefined);
    // `Files.ReadWrite` is two words.
    if (write !== undefined) return [write];
    return words.some((word) => READS.has(word)) ? ['read' as const] : [];
  });
  const [first] = effects;
  return effects.includes('read') ? 'read' : first;
}
