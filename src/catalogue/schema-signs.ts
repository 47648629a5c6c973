import { isJsonObject, type JsonObject } from '../core/json.ts';
import { headOf, isCredential } from './nouns.ts';
import { senseOf, type Sense } from './verbs.ts';
import { joinPhrases, wordsOf } from './words.ts';

/** A schema may be a graph, or huge: so many of its nodes are looked at, and so deep. */
const MAX_NODES = 2_000;
const MAX_DEPTH = 5;

type Field = { path: readonly string[]; schema: JsonObject };

export type SchemaAt = (ref: string) => JsonObject | undefined;
const NOWHERE: SchemaAt = () => undefined;

/** Every named member of a schema, the outer before the inner; `*` in a path stands for the items of a list. */
function* fieldsOf(schema: JsonObject, schemaAt: SchemaAt): Generator<Field> {
  const pending: Field[] = [{ path: [], schema }];
  // Each definition is looked into once: a recursive one comes to its end, and no other says anything new.
  const followed = new Set<string>();
  for (let at = 0; at < pending.length && at < MAX_NODES; at++) {
    const { path, schema: node } = pending[at]!;
    if (path.length > MAX_DEPTH) continue;
    const ref = node['$ref'];
    if (typeof ref === 'string' && !followed.has(ref)) {
      followed.add(ref);
      const target = schemaAt(ref);
      if (target !== undefined) pending.push({ path, schema: target });
    }
    for (const [name, member] of Object.entries(isJsonObject(node['properties']) ? node['properties'] : {})) {
      if (!isJsonObject(member)) continue;
      const field = { path: [...path, name], schema: member };
      yield field;
      pending.push(field);
    }
    for (const items of [node['items'], node['additionalProperties']]) {
      if (isJsonObject(items)) pending.push({ path: [...path, '*'], schema: items });
    }
    for (const parts of [node['allOf'], node['oneOf'], node['anyOf']]) {
      if (Array.isArray(parts)) pending.push(...parts.filter(isJsonObject).map((part) => ({ path, schema: part })));
    }
  }
}

/** Paths of all members of an answer. */
export function* answerFields(schema: JsonObject, schemaAt: SchemaAt = NOWHERE): Generator<string[]> {
  for (const { path } of fieldsOf(schema, schemaAt)) yield [...path];
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
export function secretFields(schema: JsonObject, schemaAt: SchemaAt = NOWHERE): string[][] {
  const found: string[][] = [];
  for (const { path, schema: field } of fieldsOf(schema, schemaAt)) {
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
export function chosenVerbs(schema: JsonObject, schemaAt: SchemaAt = NOWHERE): Sense[] {
  const verbs: Sense[] = [];
  for (const { path, schema: field } of fieldsOf(schema, schemaAt)) {
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
export function codeParameter(schema: JsonObject, schemaAt: SchemaAt = NOWHERE): string | undefined {
  for (const { path, schema: field } of fieldsOf(schema, schemaAt)) {
    const words = wordsOf(path.at(-1)!);
    const isText =
      field.enum === undefined && field.const === undefined && (field.type === 'string' || field.type === 'array');
    if (path.length <= 2 && isText && CODE.has(words.at(-1) ?? '') && !words.includes('error')) return path.join('.');
  }
  return undefined;
}
