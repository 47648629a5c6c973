import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
  type GraphQLField,
  type GraphQLSchema,
  type GraphQLType,
} from 'graphql';
import type { JsonObject } from '../../core/json.ts';
import type { SchemaAt } from '../schema-signs.ts';

/** A GraphQL type as JSON Schema; an object is a reference by its name, since types are a graph. */
export function schemaOf(type: GraphQLType): JsonObject {
  if (isNonNullType(type)) return schemaOf(type.ofType);
  if (isListType(type)) return { type: 'array', items: schemaOf(type.ofType) };
  const { name } = getNamedType(type);
  if (isEnumType(type)) return { enum: type.getValues().map((value) => value.name) };
  if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) || isUnionType(type)) {
    return { $ref: `#/types/${name}` };
  }
  return { type: SCALARS.get(name) ?? 'string' };
}

const SCALARS = new Map([
  ['Int', 'integer'],
  ['Float', 'number'],
  ['Boolean', 'boolean'],
]);

/** What such a reference leads to. */
export function schemaAtOf(schema: GraphQLSchema): SchemaAt {
  return (ref): JsonObject | undefined => {
    const type = schema.getType(ref.replace('#/types/', ''));
    if (type === undefined || type === null) return undefined;
    if (isUnionType(type)) return { oneOf: type.getTypes().map(schemaOf) };
    if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return undefined;
    const members = Object.values(type.getFields()).map((field) => [field.name, schemaOf(field.type)]);
    return { type: 'object', properties: Object.fromEntries(members) };
  };
}

export function argumentSchema(field: GraphQLField<unknown, unknown>): JsonObject {
  const members = field.args.map((argument) => [argument.name, schemaOf(argument.type)]);
  const required = field.args.filter(isRequiredArgument).map(({ name }) => name);
  return { type: 'object', properties: Object.fromEntries(members), required };
}

/** Of the whole answer, where the field is below `data` (GraphQL specification, section 7.1). */
export function answerSchema({ name, type }: GraphQLField<unknown, unknown>): JsonObject {
  const data = { type: 'object', properties: { [name]: schemaOf(type) } };
  return { type: 'object', properties: { data } };
}
