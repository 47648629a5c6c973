import type { JsonValue } from '../core/json.ts';
import { decodedTexts } from './decode.ts';
import { suspectForm, trustForm } from './forms.ts';
import { addressPartsIn, datesIn, groupedIn, numbersIn } from './written-forms.ts';

/** How often an encoding may stand within another: beyond, a value is nowhere. */
const LAYERS = 2;

/** Every text, number and name of a value as one text, a line each. A text that is JSON is read as what it says. */
export function textOf(value: JsonValue): string {
  const lines: string[] = [];
  const pending: JsonValue[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next === 'string') lines.push(next);
    else if (typeof next === 'number') lines.push(String(next));
    else if (Array.isArray(next)) for (const item of next) pending.push(item);
    else if (typeof next === 'object' && next !== null) {
      for (const name in next) {
        lines.push(name);
        pending.push(next[name]!);
      }
    }
  }
  // What stands beside a value in a structure is no part of it, which a line end alone does not say.
  return lines.join(' ;\n');
}

/** What trusted text is looked up in: itself, and values of it as they are also written, where that is beyond doubt. */
export function trustedText(text: string): string {
  const others = new Set([
    ...numbersIn(text, false),
    ...datesIn(text, false),
    ...groupedIn(text),
    ...addressPartsIn(text),
  ]);
  return [text, ...others].map(trustForm).join('\n');
}

/** What untrusted text is looked up in: itself, values of it in every way that they may be meant, and what it says in code. */
export function suspectText(text: string): string {
  const parts = [suspectForm(text)];
  let layer = [text];
  for (let depth = 0; depth < LAYERS && layer.length > 0; depth++) {
    layer = layer.flatMap(decodedTexts);
    parts.push(...layer.map(suspectForm));
  }
  // As they are: a decimal sign counts.
  return [...parts, ...new Set([...numbersIn(text, true), ...datesIn(text, true).map(suspectForm)])].join('\n');
}
