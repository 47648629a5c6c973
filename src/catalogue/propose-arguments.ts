import type { Effect } from '../core/effect.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { argumentRoles, isEither } from './argument-roles.ts';
import type { Described } from './classify.ts';
import type { ImportedOperation } from './imported.ts';
import { phraseOfName } from './name-phrase.ts';
import { headOf, singular } from './nouns.ts';
import { wordsOf } from './words.ts';

/** What an operation's arguments are for, as a target file says it: paths of arguments, and templates of resource names. */
export type ProposedArguments = { resources: string[]; targets: string[]; content: string[] };

/**
 * What is proposed of an operation's arguments, from its path and schema: the thing that it is about by its identifiers, and,
 * unless it only reads, where its effect lands and what text it carries. Somebody accepts it; until then it says nothing.
 */
export function proposeArguments({ described, wire }: ImportedOperation, effect: Effect): ProposedArguments {
  if (wire['graphql'] !== undefined) return { resources: [], targets: [], content: [] };
  const request = wire['request'];
  const path = typeof request === 'string' ? request.replace(/^\S+ /, '') : null;
  const places = path === null ? [{ place: '', schema: described.inputSchema }] : placesOf(described, wire);
  const roles = effect === 'read' ? [] : places.flatMap(rolesOf);
  const named = (role: string) => roles.flatMap((each) => (each.role === role ? [each.name] : []));
  return {
    resources: path === null ? ofArguments(described) : ofPath(path),
    targets: [
      ...(path === null || effect === 'read' ? [] : parametersOf(path).map((name) => `path.${name}`)),
      ...named('target'),
    ],
    // What may be a text or name one is told by its value, which what is said here would overrule.
    content: named('content').filter((name) => !isEither(name)),
  };
}

type Place = { place: string; schema: JsonObject | undefined };

/** The arguments of a request by where they are sent; of the body, the members. */
function placesOf({ inputSchema = {}, schemaAt }: Described, wire: JsonObject): Place[] {
  const all = isJsonObject(inputSchema['properties']) ? inputSchema['properties'] : {};
  const query = Array.isArray(wire['query']) ? wire['query'].filter((name) => typeof name === 'string') : [];
  const [body] = Array.isArray(inputSchema['allOf']) ? inputSchema['allOf'].filter(isJsonObject) : [];
  const ref = body?.['$ref'];
  return [
    {
      place: 'query',
      schema: {
        properties: Object.fromEntries(query.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]]))),
      },
    },
    ...(wire['body'] === 'raw' ? [] : [{ place: 'body', schema: typeof ref === 'string' ? schemaAt?.(ref) : body }]),
  ];
}

function rolesOf({ place, schema }: Place): { name: string; role: string }[] {
  return Object.entries(argumentRoles(schema))
    .filter(([name]) => IS_NAME.test(name))
    .map(([name, role]) => ({ name: place === '' ? name : `${place}.${name}`, role }));
}

/** A name that a path of arguments can say. */
const IS_NAME = /^[\w-]{1,100}$/;

/** Segments that only say how, not what. */
const HOW = new Set('version apiversion locale lang language format ext extension'.split(' '));

function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{([\w-]+)\}/g)]
    .map(([, name]) => name!)
    .filter((name) => !HOW.has(wordsOf(name).join('')));
}

/** `/users/{user}/keys/{key}` is about `key:{path.user}/{path.key}`. */
function ofPath(path: string): string[] {
  const names = parametersOf(path);
  const last = names.at(-1);
  if (last === undefined) return [];
  const before = path.slice(0, path.lastIndexOf(`{${last}}`)).split('/');
  const fixed = before.findLast((segment) => segment !== '' && !segment.includes('{') && !/^v\d/.test(segment));
  const kind = kindOf(wordsOf(fixed ?? last).filter((word) => word !== 'id'));
  return kind === '' ? [] : [`${kind}:${names.map((name) => `{path.${name}}`).join('/')}`];
}

/** Of a tool: what it has to be told that names a thing. What may be left out would deny the calls that leave it out. */
function ofArguments({ name, inputSchema = {} }: Described): string[] {
  const properties = isJsonObject(inputSchema['properties']) ? inputSchema['properties'] : {};
  const required = Array.isArray(inputSchema['required']) ? inputSchema['required'] : [];
  const told = Object.entries(properties).flatMap(([argument, schema]) => {
    const form = isJsonObject(schema) && required.includes(argument) && IS_NAME.test(argument) ? formOf(schema) : null;
    return form === null ? [] : [{ argument, words: wordsOf(argument), placeholder: `${argument}${form}` }];
  });
  const owner = told.find(({ words }) => words.join() === 'owner');
  const repository = told.find(({ words }) => /^repo(?:sitory)?(?:,name)?$/.test(words.join()));
  if (owner !== undefined && repository !== undefined) {
    const rest = told.filter((each) => each !== owner && each !== repository).flatMap((each) => templateOf(each, name));
    return [`repository:{${owner.placeholder}}/{${repository.placeholder}}`, ...rest];
  }
  return told.flatMap((each) => templateOf(each, name));
}

/** How a placeholder takes the value: one, or each of a list; `null` for what is no name. */
function formOf({ type, items }: JsonObject): '' | '[]' | null {
  if (type === 'string' || type === 'integer') return '';
  return type === 'array' && isJsonObject(items) && items['type'] === 'string' ? '[]' : null;
}

const IDENTIFIES = /^(?:ids?|uuids?|guid|number|slug|key)$/;
const PATH = /^(?:paths?|files?|filename|filepath|dir|directory|folder|source|destination)$/;
const URL = /^(?:urls?|uri|uris|link)$/;

function templateOf({ words, placeholder }: { words: string[]; placeholder: string }, name: string): string[] {
  const last = words.at(-1) ?? '';
  if (PATH.test(last)) return [`file:{${placeholder}|path}`];
  if (URL.test(last)) return [`url:{${placeholder}|url}`];
  if (!IDENTIFIES.test(last)) return [];
  const kind = kindOf(words.length > 1 ? words.slice(0, -1) : [headOf(phraseOfName(name).object).head]);
  return kind === '' ? [] : [`${kind}:{${placeholder}}`];
}

/** `deploy keys` as `deploy-key`. */
function kindOf(words: readonly string[]): string {
  return [...words.slice(0, -1), singular(words.at(-1) ?? '')].join('-').replace(/^-+|-+$/g, '');
}
