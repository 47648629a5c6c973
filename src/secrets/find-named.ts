import type { FoundSecret } from './found.ts';
import { readNamed } from './named-value.ts';
import { createValueReader, type Value } from './read-value.ts';
import { judgeName, nameWords, type NameKind } from './secret-name.ts';
import { isBasicCredentials, isPublicAddress, isReadableCredentials, isSecretValue } from './secret-value.ts';

/** How far a `value` may stand behind the `name` or `key` that it belongs to. */
const PAIRED_WITHIN = 240;

/** How many names may claim one value: `a=b=c` is two. More are a text made to be slow. */
const MOST_CLAIMS = 8;

/** Of how many characters of a value its kind is seen. */
const LOOKED_AT = 512;

const LABELS = new Set(['key', 'name', 'header', 'variable', 'field', 'label', 'id']);

/** `secret`: what its value is. `label`: its value names what stands under `value`, of which it says nothing itself. */
type Meaning = { kind: NameKind | null; label: boolean; saysNothing: boolean };

/** Secrets beside a name that says so: assignments, fields, headers, attributes, flags, arguments, sentences. */
export function* findNamed(text: string): Generator<FoundSecret> {
  const readValue = createValueReader(text);
  const meaningOf = createMeanings();
  const claims = { end: -1, count: 0 };
  let label: { text: string; end: number } | null = null;
  for (let at = 0; at < text.length; at++) {
    const place = readNamed(text, at);
    if (place === null) continue;
    const meaning = meaningOf(place.name);
    if (meaning.kind === null && !meaning.label && (label === null || !meaning.saysNothing)) continue;
    const value = readValue(place);
    if (value === null) continue;
    if (meaning.label && value.end - value.start <= 64)
      label = { text: text.slice(value.start, value.end), end: value.end };
    const paired = meaning.saysNothing && label !== null && value.start - label.end < PAIRED_WITHIN;
    const kind = paired ? judgeName(label!.text) : meaning.kind;
    if (kind === null) continue;
    if (value.end !== claims.end) [claims.end, claims.count] = [value.end, 0];
    if (++claims.count > MOST_CLAIMS) continue;
    const found = judge(text, value, kind);
    if (found !== null) yield found;
  }
}

/** Names come again and again in one text, so what they mean is kept. */
function createMeanings(): (name: string) => Meaning {
  const known = new Map<string, Meaning>();
  return (name) => {
    let meaning = known.get(name);
    if (meaning === undefined) {
      const words = nameWords(name);
      meaning = {
        kind: judgeName(name),
        label: words.length <= 2 && LABELS.has(words.at(-1) ?? ''),
        saysNothing: words.length === 0,
      };
      if (known.size >= 1024) known.clear();
      known.set(name, meaning);
    }
    return meaning;
  };
}

function judge(text: string, { start, end, scheme }: Value, kind: NameKind): FoundSecret | null {
  const value = text.slice(start, Math.min(end, start + LOOKED_AT));
  const isSecret =
    scheme === 'basic' ? isBasicCredentials(value) : isSecretValue(value, scheme === null ? kind : 'secret');
  if (!isSecret) return null;
  const possible = isPublicAddress(value) || (kind === 'hint' && !isReadableCredentials(value));
  const certainty = possible ? 'possible' : 'likely';
  return { start, end, rule: `named-${kind}`, certainty };
}
