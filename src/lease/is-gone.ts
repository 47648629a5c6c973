import type { Lease } from '../core/lease.ts';
import type { Said } from './target-call.ts';

/**
 * Whether the target says that there is no such thing (any more): in its protocol's own words, in words that the target file
 * declares, or as "not found" of this very identifier. Another "not found", of the user or of the tool itself, is not that.
 */
export function isGone(said: Said, lease: Pick<Lease, 'identifier' | 'end'>): boolean {
  if (said.said === 'done') return true;
  if (said.gone) return true;
  const text = said.text.toLowerCase();
  const declared = lease.end.by === 'call' ? lease.end.gone : [];
  if (declared.some((words) => text.includes(words.toLowerCase()))) return true;
  const { identifier } = lease;
  return identifier !== null && names(text, identifier.toLowerCase()) && /\bnot[ _-]?found\b/.test(text);
}

/** By itself: the key `1` is not what "key 17 not found" is about. */
function names(text: string, identifier: string): boolean {
  for (let at = text.indexOf(identifier); at !== -1; at = text.indexOf(identifier, at + 1)) {
    if (!/[\p{L}\p{N}]/u.test((text[at - 1] ?? '') + (text[at + identifier.length] ?? ''))) return true;
  }
  return false;
}
