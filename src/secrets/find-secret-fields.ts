import type { JsonObject, JsonValue } from '../core/json.ts';
import { findSecrets } from './find-secrets.ts';
import type { FoundSecret } from './found.ts';
import { judgeName, nameWords, type NameKind } from './secret-name.ts';
import { isPublicAddress, isSecretValue } from './secret-value.ts';

/** A secret within a JSON value: the way to the text that holds it, and where in that text it is (see `FoundSecret`). */
export type FoundField = FoundSecret & { path: readonly (string | number)[] };

/** A place in the value: its own name, or that of what it is in where its own says nothing, as in `{ token: { value } }`. */
type Place = {
  value: JsonValue;
  step: string | number | null;
  parent: Place | null;
  kind: NameKind | null;
  manifest: boolean;
};

/**
 * The secrets in a JSON value: texts whose member is named like one, and whatever `findSecrets` finds in the others. In
 * order. Members are asked as parsed, so that neither escapes nor spelling hides a name from what reads the value later.
 * Names themselves are not looked into.
 */
export function findSecretFields(value: JsonValue): FoundField[] {
  const found: FoundField[] = [];
  // A stack of its own: how deep a value is nested is up to whoever sent it.
  const places: Place[] = [{ value, step: null, parent: null, kind: null, manifest: false }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    if (typeof place.value === 'string') found.push(...inText(place.value, place));
    else if (Array.isArray(place.value)) pushItems(places, place, place.value);
    else if (place.value !== null && typeof place.value === 'object') pushMembers(places, place, place.value);
  }
  return found;
}

function inText(text: string, place: Place): FoundField[] {
  const { kind, manifest } = place;
  const whole = { start: 0, end: text.length };
  // The way is only gone where there is something at its end: it is as long as the value is deep.
  if (manifest && text.length >= 4)
    return [{ ...whole, path: pathOf(place), rule: 'kubernetes-secret', certainty: 'likely' }];
  const parts = findSecrets(text);
  if (kind !== null && kind !== 'hint' && isSecretValue(text, kind)) {
    const surest = parts.find(({ certainty }) => certainty === 'certain');
    const certainty = isPublicAddress(text) ? 'possible' : (surest?.certainty ?? 'likely');
    return [{ ...whole, path: pathOf(place), rule: surest?.rule ?? `field-${kind}`, certainty }];
  }
  if (parts.length === 0) return [];
  const path = pathOf(place);
  return parts.map((part) => ({ ...part, path }));
}

function pushItems(places: Place[], parent: Place, items: readonly JsonValue[]): void {
  for (let at = items.length - 1; at >= 0; at--)
    places.push({ value: items[at]!, step: at, parent, kind: parent.kind, manifest: false });
}

function pushMembers(places: Place[], parent: Place, object: JsonObject): void {
  const named = labelOf(object);
  const isManifest = object['kind'] === 'Secret';
  const inManifest = parent.manifest;
  for (const [name, value] of Object.entries(object).reverse()) {
    const saysNothing = nameWords(name).length === 0;
    const kind = saysNothing ? (named ?? parent.kind) : judgeName(name);
    const manifest = inManifest || (isManifest && (name === 'data' || name === 'stringData'));
    places.push({ value, step: name, parent, kind, manifest });
  }
}

/** What `{ name: 'API_TOKEN', value: … }` says of its value. */
function labelOf(object: JsonObject): NameKind | null {
  for (const member of ['name', 'key', 'Name', 'Key'])
    if (typeof object[member] === 'string' && object[member].length <= 64) return judgeName(object[member]);
  return null;
}

function pathOf(place: Place): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at: Place | null = place; at !== null && at.step !== null; at = at.parent) path.push(at.step);
  return path.reverse();
}
