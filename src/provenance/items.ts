import type { JsonObject, JsonValue } from '../core/json.ts';
import { isAddress } from './addresses.ts';
import { suspectForm } from './forms.ts';

/** An item is no longer than a name or an identifier is. What is longer may be prose, with values in it. */
const MAX_LENGTH = 80;
const MAX_WORDS = 6;

/** Members by which people know a thing. */
const NAMES = new Set('name title subject filename file label summary author from sender'.split(' '));

/**
 * A result that holds what outsiders wrote, as the items of its structure, in the form in which untrusted values are looked
 * up, and everything that could be prose. Text without structure is prose as a whole.
 *
 * @param isSaid whether the delegator says a name, which is given in that form: what stands beside one that is said is `named`,
 *   but for addresses, which anybody can put there.
 */
export function itemsAndProse(
  value: JsonValue,
  isSaid: (name: string) => boolean = () => false,
): { items: string[]; named: string[]; prose: string } {
  const items = new Set<string>();
  const named = new Set<string>();
  const prose: string[] = [];
  const take = (text: string, isNamed: boolean) => {
    const form = suspectForm(text);
    if (form === '') return;
    const isItem = text.length <= MAX_LENGTH && form.split(' ').length <= MAX_WORDS;
    if (!isItem) prose.push(text);
    else if (isNamed && !isAddress(text)) named.add(form);
    else items.add(form);
  };
  if (typeof value !== 'object' || value === null)
    return { items: [], named: [], prose: value === null ? '' : String(value) };
  const pending: JsonValue[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next === 'string' || typeof next === 'number') take(String(next), false);
    else if (Array.isArray(next)) for (const item of next) pending.push(item);
    else if (typeof next === 'object' && next !== null) {
      const said = isSaidIn(next, isSaid);
      for (const name in next) {
        take(name, false);
        const member = next[name]!;
        if (said && (typeof member === 'string' || typeof member === 'number')) take(String(member), true);
        else pending.push(member);
      }
    }
  }
  return { items: [...items], named: [...named], prose: prose.join('\n') };
}

function isSaidIn(record: JsonObject, isSaid: (name: string) => boolean): boolean {
  for (const member in record) {
    const value = record[member];
    if (typeof value !== 'string' || value.length > MAX_LENGTH || !NAMES.has(member.toLowerCase())) continue;
    if (isSaid(suspectForm(value))) return true;
  }
  return false;
}
