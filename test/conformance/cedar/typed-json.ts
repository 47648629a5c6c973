import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { ValueJson } from '../../../src/pdp/cedar/literal.ts';
import type { EntityJson } from '../../harness/cedar-json.ts';

type Type = {
  type: string;
  name?: string;
  element?: Type;
  attributes?: Record<string, Type>;
};
type Uid = { id: string; type?: string };
type Namespace = {
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

/** @throws Error for a schema that Cedar does not take. */
export function readSchema(text: string): TypedJson {
  const answer = cedar.schemaToJsonWithResolvedTypes(text);
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message ?? 'the schema cannot be read');
  const entityTypes = new Map<string, { shape?: Type; tags?: Type }>();
  const contexts = new Map<string, Type>();
  const actions: EntityJson[] = [];
  for (const [namespace, definition] of Object.entries(answer.json as unknown as Record<string, Namespace>)) {
    const qualify = (name: string) => (namespace === '' ? name : `${namespace}::${name}`);
    for (const [name, type] of Object.entries(definition.entityTypes ?? {})) entityTypes.set(qualify(name), type);
    for (const [id, action] of Object.entries(definition.actions ?? {})) {
      const type = qualify('Action');
      if (action.appliesTo?.context !== undefined) contexts.set(`${type} ${id}`, action.appliesTo.context);
      const parents = (action.memberOf ?? []).map((group) => ({ type: group.type ?? type, id: group.id }));
      actions.push({ uid: { type, id }, parents });
    }
  }
  return {
    actions,
    entity: (entity) => {
      const type = entityTypes.get(typeOf(entity.uid));
      if (type === undefined) return entity;
      return {
        ...entity,
        ...(entity.attrs === undefined ? {} : { attrs: members(entity.attrs, type.shape) }),
        ...(entity.tags === undefined || type.tags === undefined
          ? {}
          : { tags: mapMembers(entity.tags, () => type.tags) }),
      };
    },
    context: (action, context) => members(context, contexts.get(`${action.type} ${action.id}`)),
  };
}

function typeOf(uid: ValueJson): string {
  const { type, __entity } = uid as { type?: string; __entity?: { type: string } };
  return __entity?.type ?? type ?? '';
}

function members(json: Record<string, ValueJson>, type: Type | undefined): Record<string, ValueJson> {
  return mapMembers(json, (name) => type?.attributes?.[name]);
}

function mapMembers(json: Record<string, ValueJson>, typeOfMember: (name: string) => Type | undefined) {
  return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, explicit(member, typeOfMember(name))]));
}

const CONSTRUCTORS: Record<string, string> = {
  decimal: 'decimal',
  ipaddr: 'ip',
  datetime: 'datetime',
  duration: 'duration',
};

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
