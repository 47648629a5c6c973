import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { ValueJson } from '../../../src/pdp/cedar/literal.ts';
import type { EntityJson } from '../../harness/cedar-json.ts';
import { isJson } from './read-policies.ts';

type Type = {
  type: string;
  name?: string;
  element?: Type;
  attributes?: Record<string, Type>;
};
type Uid = { id: string; type?: string };
type Namespace = {
  commonTypes?: Record<string, Type>;
  entityTypes?: Record<string, { shape?: Type; tags?: Type }>;
  actions?: Record<string, { appliesTo?: { context?: Type } | null; memberOf?: Uid[] | null }>;
};

/** What a schema says about JSON data that leaves its types unsaid: entities and contexts may write them short. */
export type TypedJson = {
  entity: (entity: EntityJson) => EntityJson;
  context: (action: { type: string; id: string }, context: Record<string, ValueJson>) => Record<string, ValueJson>;
  /** The actions with the groups that the schema puts them in. */
  actions: EntityJson[];
};

/**
 * A schema in Cedar's text or JSON format.
 *
 * @throws Error for one that Cedar does not take.
 */
export function readSchema(text: string): TypedJson {
  const answer = cedar.schemaToJsonWithResolvedTypes(isJson(text) ? jsonToText(text) : text);
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message ?? 'the schema cannot be read');
  const namespaces = answer.json as unknown as Record<string, Namespace>;
  const shapes = new Map<string, Type>();
  const tags = new Map<string, Type>();
  const contexts = new Map<string, Type>();
  const actions: EntityJson[] = [];
  for (const [namespace, definition] of Object.entries(namespaces)) {
    const resolve = (type: Type) => spelledOut(type, namespace, namespaces);
    for (const [name, type] of Object.entries(definition.entityTypes ?? {})) {
      if (type.shape !== undefined) shapes.set(qualified(namespace, name), resolve(type.shape));
      if (type.tags !== undefined) tags.set(qualified(namespace, name), resolve(type.tags));
    }
    for (const [id, action] of Object.entries(definition.actions ?? {})) {
      const type = qualified(namespace, 'Action');
      if (action.appliesTo?.context !== undefined) contexts.set(`${type} ${id}`, resolve(action.appliesTo.context));
      const parents = (action.memberOf ?? []).map((group) => ({ type: group.type ?? type, id: group.id }));
      actions.push({ uid: { type, id }, parents });
    }
  }
  return {
    actions,
    entity: (entity) => {
      const type = typeOf(entity.uid);
      return {
        ...entity,
        attrs: members(entity.attrs ?? {}, shapes.get(type)),
        tags: mapMembers(entity.tags ?? {}, () => tags.get(type)),
      };
    },
    context: (action, context) => members(context, contexts.get(`${action.type} ${action.id}`)),
  };
}

/** Types are resolved from the text form alone. */
function jsonToText(json: string): string {
  const answer = cedar.schemaToText(JSON.parse(json) as cedar.Schema);
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message ?? 'the schema cannot be read');
  return answer.text;
}

const CONSTRUCTORS: Record<string, string> = {
  decimal: 'decimal',
  ipaddr: 'ip',
  datetime: 'datetime',
  duration: 'duration',
};

/** The type without names of common types. Cedar takes none that holds itself. */
function spelledOut(type: Type, namespace: string, namespaces: Readonly<Record<string, Namespace>>): Type {
  switch (type.type) {
    case 'Set':
      return { type: 'Set', element: spelledOut(type.element!, namespace, namespaces) };
    case 'Record': {
      const attributes = Object.entries(type.attributes ?? {});
      return {
        type: 'Record',
        attributes: Object.fromEntries(
          attributes.map(([name, member]) => [name, spelledOut(member, namespace, namespaces)]),
        ),
      };
    }
    case 'Entity':
    case 'Extension':
      return type;
  }
  const parts = (type.name ?? type.type).split('::');
  const [within, name] = [parts.slice(0, -1).join('::'), parts.at(-1)!];
  for (const place of within === '' ? [namespace, ''] : [within]) {
    const common = own(own(namespaces, place)?.commonTypes, name);
    if (common !== undefined) return spelledOut(common, place, namespaces);
  }
  const builtIn = within === '' || within === '__cedar';
  return builtIn && Object.hasOwn(CONSTRUCTORS, name) ? { type: 'Extension', name } : { type: name };
}

function own<Item>(record: Readonly<Record<string, Item>> | undefined, name: string): Item | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

function qualified(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}::${name}`;
}

function typeOf(uid: ValueJson): string {
  const { type, __entity } = uid as { type?: string; __entity?: { type: string } };
  return __entity?.type ?? type ?? '';
}

function members(json: Record<string, ValueJson>, type: Type | undefined): Record<string, ValueJson> {
  return mapMembers(json, (name) => own(type?.attributes, name));
}

function mapMembers(json: Record<string, ValueJson>, typeOfMember: (name: string) => Type | undefined) {
  return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, explicit(member, typeOfMember(name))]));
}

/** The value with its escapes written out. */
function explicit(json: ValueJson, type: Type | undefined): ValueJson {
  if (type === undefined || json === null) return json;
  if (type.type === 'Extension') {
    if (typeof json === 'string') return { __extn: { fn: CONSTRUCTORS[type.name!]!, arg: json } };
    return typeof json === 'object' && 'fn' in json ? { __extn: json } : json;
  }
  if (type.type === 'Entity' && typeof json === 'object' && 'type' in json) return { __entity: json };
  if (Array.isArray(json)) return json.map((item: ValueJson) => explicit(item, type.element));
  if (type.type === 'Record' && typeof json === 'object') return members(json as Record<string, ValueJson>, type);
  return json;
}
