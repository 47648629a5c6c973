import { isJsonObject, type JsonObject } from '../core/json.ts';
import { headOf, isCredential } from './nouns.ts';
import { senseOf, type Sense } from './verbs.ts';
import { joinPhrases, wordsOf } from './words.ts';

/** A schema may be a graph, or huge: so many of its nodes are looked at, and so deep. */
const MAX_NODES = 5_000;
const MAX_DEPTH = 12;

type Field = { path: readonly string[]; schema: JsonObject; required: boolean };

/** Every named member of a schema, at any depth; `*` in a path stands for the items of a list. */
function* fieldsOf(schema: JsonObject): Generator<Field> {
  const pending: { path: readonly string[]; schema: JsonObject }[] = [{ path: [], schema }];
  let nodes = 0;
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (next.path.length > MAX_DEPTH || ++nodes > MAX_NODES) continue;
    const { path } = next;
    const properties = isJsonObject(next.schema.properties) ? next.schema.properties : {};
    const required = Array.isArray(next.schema.required) ? next.schema.required : [];
    for (const [name, member] of Object.entries(properties)) {
      if (!isJsonObject(member)) continue;
      const field = { path: [...path, name], schema: member, required: required.includes(name) };
      yield field;
      pending.push(field);
    }
    for (const items of [next.schema.items, next.schema.additionalProperties]) {
      if (isJsonObject(items)) pending.push({ path: [...path, '*'], schema: items });
    }
    for (const parts of [next.schema.allOf, next.schema.oneOf, next.schema.anyOf]) {
      if (Array.isArray(parts)) pending.push(...parts.filter(isJsonObject).map((part) => ({ path, schema: part })));
    }
  }
}

/** Words before `token` of what only marks a place in a list, or counts. */
const NO_SECRET = new Set(
  `next page pagination continuation continue sync cursor start skip delta prompt completion max total input output usage
  resume previous prev idempotency request reasoning cached csrf public count`.split(/\s+/),
);

const SECRET_HEADS = new Set(
  'token secret password passphrase passcode passwd credential apikey jwt kubeconfig jitconfig otp pat sas'.split(' '),
);
const SECRET_KEYS = new Set('api access secret private signing encryption ssh auth session license'.split(' '));

/** Paths of the members that are named like a secret and can hold one: `['Credentials', 'SecretAccessKey']`. */
export function secretFields(schema: JsonObject): string[][] {
  const found: string[][] = [];
  for (const { path, schema: field } of fieldsOf(schema)) {
    if (isSecretName(path.at(-1)!) && canHold(field)) found.push([...path]);
  }
  return found;
}

export function isSecretName(name: string): boolean {
  const { head, before } = headOf(wordsOf(name));
  if (before.some((word) => NO_SECRET.has(word))) return false;
  if (SECRET_HEADS.has(head)) return true;
  if (head === 'key') return before.some((word) => SECRET_KEYS.has(word));
  return (
    isCredential({ head, before }) && before.length > 0 && !['session', 'ticket', 'certificate', 'cert'].includes(head)
  );
}

function canHold({ type }: JsonObject): boolean {
  const types = Array.isArray(type) ? type : [type];
  return type === undefined || types.includes('string') || types.includes('object');
}

/** What one of several actions is chosen by: `{ action: 'list' | 'create' | 'delete' }` does the worst of them. */
const CHOICES = new Set('action operation op method verb command mode subcommand act activity'.split(' '));

/** The verbs among which a parameter named `action` or the like lets the caller choose. */
export function chosenVerbs(schema: JsonObject): Sense[] {
  const verbs: Sense[] = [];
  for (const { path, schema: field } of fieldsOf(schema)) {
    if (path.length > 2 || !CHOICES.has(wordsOf(path.at(-1)!).at(-1) ?? '')) continue;
    const values = Array.isArray(field.enum) ? field.enum : [field.const];
    for (const value of values) {
      const sense = typeof value === 'string' ? senseOf(joinPhrases(wordsOf(value))[0] ?? '') : undefined;
      if (sense?.inflection === 'base') verbs.push(sense);
    }
  }
  return verbs;
}

/** Parameters whose text the target runs. `query` is not among them: most often it is what is searched for. */
export const CODE: ReadonlySet<string> = new Set(
  'sql code script command cmd shell javascript js python expression statement statements program commands mutation ps1 bash'.split(
    ' ',
  ),
);

/** The name of a parameter that takes code, or `undefined`. */
export function codeParameter(schema: JsonObject): string | undefined {
  for (const { path, schema: field } of fieldsOf(schema)) {
    const words = wordsOf(path.at(-1)!);
    const isText =
      field.enum === undefined && field.const === undefined && (field.type === 'string' || field.type === 'array');
    if (path.length <= 2 && isText && CODE.has(words.at(-1) ?? '') && !words.includes('error')) return path.join('.');
  }
  return undefined;
}
