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
  return identifier !== null && text.includes(identifier.toLowerCase()) && /\bnot[ _-]?found\b/.test(text);
}
