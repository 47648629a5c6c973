import type { JsonValue } from '../core/json.ts';
import { suspectForm } from './forms.ts';

/** An item is no longer than a name or an identifier is. What is longer may be prose, with values in it. */
const MAX_LENGTH = 80;
const MAX_WORDS = 6;

/**
 * A result that holds what outsiders wrote, as the items of its structure, in the form in which untrusted values are looked
 * up, and everything that could be prose. Text without structure is prose as a whole.
 */
export function itemsAndProse(value: JsonValue): { items: string[]; prose: string } {
  const items = new Set<string>();
  const prose: string[] = [];
  const take = (text: string) => {
    const form = suspectForm(text);
    if (form === '') return;
    const isItem = text.length <= MAX_LENGTH && form.split(' ').length <= MAX_WORDS;
    if (isItem) items.add(form);
    else prose.push(text);
  };
  if (typeof value !== 'object' || value === null) return { items: [], prose: value === null ? '' : String(value) };
  const pending: JsonValue[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next === 'string' || typeof next === 'number') take(String(next));
    else if (Array.isArray(next)) for (const item of next) pending.push(item);
    else if (typeof next === 'object' && next !== null) {
      for (const name in next) {
        take(name);
        pending.push(next[name]!);
      }
    }
  }
  return { items: [...items], prose: prose.join('\n') };
}
