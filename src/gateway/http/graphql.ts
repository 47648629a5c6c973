import {
  Kind,
  parse,
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  type VariableDefinitionNode,
} from 'graphql';
import { InvalidRequest } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';

/** What a GraphQL request asks for: one field of the query or the mutation type. */
export type GraphqlCall = {
  kind: 'query' | 'mutation';
  field: string;
  /** The field's arguments, its variables filled in. */
  arguments: JsonObject;
  /** What is asked of its answer, sorted: `owner.email`. */
  selects: string[];
  /** What the fields of its answer are asked with, in order: `{ "owner.repos": [{ "name": "x" }] }`. */
  within: Record<string, JsonObject[]>;
};

/** Longer than people or tools write; with it, and with the bound on tokens, reading is bounded. */
const MAX_QUERY = 100_000;
const MAX_TOKENS = 5_000;
/** Of fields that fragments unfold to. */
const MAX_SELECTED = 2_000;

/**
 * The body of a GraphQL request (GraphQL over HTTP, section 5.3) as the one thing that it asks for. What could be read in two ways,
 * or is decided elsewhere, is refused: several operations or fields, directives, stored queries, extensions, batches.
 *
 * @throws InvalidRequest
 */
export function readGraphql(body: JsonValue | undefined): GraphqlCall {
  const { document, variables, operationName } = requestOf(body);
  const operation = onlyOperation(document, operationName);
  const { operation: kind } = operation;
  if (kind === 'subscription') throw new InvalidRequest('a subscription is not carried; ask with a query');
  const fragments = fragmentsOf(document);
  const values = valuesOf(operation.variableDefinitions ?? [], variables);
  noDirectives(operation.directives, 'the operation');
  const field = onlyField(operation.selectionSet, fragments);
  noDirectives(field.directives, `\`${field.name.value}\``);
  return {
    kind,
    field: field.name.value,
    arguments: membersOf(field.arguments ?? [], values),
    ...selectedBy(field.selectionSet, fragments, values),
  };
}

type Request = { document: DocumentNode; variables: JsonObject; operationName: string | undefined };

function requestOf(body: JsonValue | undefined): Request {
  if (!isJsonObject(body)) throw new InvalidRequest('expected one GraphQL request, as an object with `query`');
  const { query, variables = {}, operationName, extensions, ...others } = body;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new InvalidRequest(`\`${other}\` is no member of a GraphQL request`);
  const extended = isJsonObject(extensions) ? Object.keys(extensions).length > 0 : (extensions ?? null) !== null;
  if (extended) throw new InvalidRequest('`extensions` may change what is run; leave them out');
  if (typeof query !== 'string')
    throw new InvalidRequest('expected the text of a `query`; a stored one is not known here');
  if (query.length > MAX_QUERY) throw new InvalidRequest(`the query is longer than ${MAX_QUERY} characters`);
  if (variables !== null && !isJsonObject(variables)) throw new InvalidRequest('expected `variables` as an object');
  if ((operationName ?? null) !== null && typeof operationName !== 'string') {
    throw new InvalidRequest('expected `operationName` as a text');
  }
  return {
    document: documentOf(query),
    variables: variables ?? {},
    operationName: typeof operationName === 'string' ? operationName : undefined,
  };
}

function documentOf(query: string): DocumentNode {
  try {
    return parse(query, { noLocation: true, maxTokens: MAX_TOKENS });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0]! : 'it cannot be parsed';
    throw new InvalidRequest(`the query is no GraphQL: ${why}`, { cause });
  }
}

function onlyOperation({ definitions }: DocumentNode, name: string | undefined): OperationDefinitionNode {
  const operations = definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  const foreign = definitions.some(
    (each) => each.kind !== Kind.OPERATION_DEFINITION && each.kind !== Kind.FRAGMENT_DEFINITION,
  );
  if (operation === undefined || operations.length > 1 || foreign) {
    throw new InvalidRequest('expected one operation, and nothing beside it but its fragments');
  }
  if (name !== undefined && name !== '' && operation.name?.value !== name) {
    throw new InvalidRequest(`the operation is not called \`${name}\``);
  }
  return operation;
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of definitions) {
    if (each.kind !== Kind.FRAGMENT_DEFINITION) continue;
    if (fragments.has(each.name.value)) throw new InvalidRequest(`the fragment \`${each.name.value}\` is there twice`);
    fragments.set(each.name.value, each);
  }
  return fragments;
}

/** The one field of the query or mutation type that is asked for; fragments on it are looked through. */
function onlyField(set: SelectionSetNode, fragments: Fragments) {
  const fields = rootFields(set, fragments).filter((field) => field.name.value !== '__typename');
  const [field] = fields;
  if (field === undefined) throw new InvalidRequest('the query asks for no field');
  if (fields.length > 1) throw new InvalidRequest('ask for one field at a time: each is decided by itself');
  return field;
}

function rootFields(root: SelectionSetNode, fragments: Fragments): FieldNode[] {
  const fields: FieldNode[] = [];
  let seen = 0;
  const visit = (set: SelectionSetNode, within: readonly string[]): void => {
    for (const each of set.selections) {
      if (++seen > MAX_SELECTED) throw new InvalidRequest(`the query selects more than ${MAX_SELECTED} fields`);
      if (each.kind === Kind.FIELD) {
        fields.push(each);
        continue;
      }
      noDirectives(each.directives, 'a fragment');
      const next = entered(each, fragments, within);
      visit(next.set, next.within);
    }
  };
  visit(root, []);
  return fields;
}

type Selection = SelectionSetNode['selections'][number];
type FieldNode = Extract<Selection, { kind: Kind.FIELD }>;

function entered(each: Exclude<Selection, FieldNode>, fragments: Fragments, within: readonly string[]) {
  if (each.kind === Kind.INLINE_FRAGMENT) return { set: each.selectionSet, within };
  const name = each.name.value;
  const fragment = fragments.get(name);
  if (fragment === undefined) throw new InvalidRequest(`there is no fragment \`${name}\``);
  if (within.includes(name)) throw new InvalidRequest(`the fragment \`${name}\` is within itself`);
  noDirectives(fragment.directives, 'a fragment');
  return { set: fragment.selectionSet, within: [...within, name] };
}

/** Whether a directive leaves a field out, or runs something, is the server's to say: not where it is about what is decided. */
function noDirectives(directives: readonly DirectiveNode[] | undefined, where: string): void {
  const [directive] = directives ?? [];
  if (directive === undefined) return;
  throw new InvalidRequest(`\`@${directive.name.value}\` on ${where} may change what is run; leave it out`);
}

/** Deeper down a field may be left out; what a directive of the server's own does is not known. */
const LEAVING_OUT = new Set(['skip', 'include']);

function selectedBy(
  root: SelectionSetNode | undefined,
  fragments: Fragments,
  values: Values,
): Pick<GraphqlCall, 'selects' | 'within'> {
  const selected = new Set<string>();
  const within = new Map<string, JsonObject[]>();
  let seen = 0;
  const visit = (set: SelectionSetNode, path: string, inside: readonly string[]): void => {
    for (const each of set.selections) {
      if (++seen > MAX_SELECTED) throw new InvalidRequest(`the query selects more than ${MAX_SELECTED} fields`);
      const directive = each.directives?.find(({ name }) => !LEAVING_OUT.has(name.value));
      noDirectives(directive === undefined ? [] : [directive], 'a field');
      if (each.kind !== Kind.FIELD) {
        const next = entered(each, fragments, inside);
        visit(next.set, path, next.within);
        continue;
      }
      const name = `${path}${each.name.value}`;
      if ((each.arguments ?? []).length > 0) {
        const before = within.get(name) ?? [];
        within.set(name, [...before, membersOf(each.arguments ?? [], values)]);
      }
      if (each.selectionSet === undefined) selected.add(name);
      else visit(each.selectionSet, `${name}.`, inside);
    }
  };
  if (root !== undefined) visit(root, '', []);
  return { selects: [...selected].toSorted(), within: Object.fromEntries(within) };
}

type Values = ReadonlyMap<string, JsonValue | undefined>;

/** What each declared variable stands for: what was sent, else its default, else nothing. */
function valuesOf(definitions: readonly VariableDefinitionNode[], sent: JsonObject): Values {
  const values = new Map<string, JsonValue | undefined>();
  for (const { variable, defaultValue } of definitions) {
    const name = variable.name.value;
    if (values.has(name)) throw new InvalidRequest(`the variable \`$${name}\` is declared twice`);
    const given = Object.hasOwn(sent, name) ? sent[name] : undefined;
    values.set(
      name,
      given ?? (given === null || defaultValue === undefined ? given : valueOf(defaultValue, new Map())),
    );
  }
  const unknown = Object.keys(sent).find((name) => !values.has(name));
  if (unknown !== undefined) throw new InvalidRequest(`the variable \`$${unknown}\` is not declared`);
  return values;
}

/** Arguments of a field, or members of an input object. */
function membersOf(nodes: readonly { name: { value: string }; value: ValueNode }[], values: Values): JsonObject {
  const members = new Map<string, JsonValue>();
  for (const { name, value } of nodes) {
    if (members.has(name.value)) throw new InvalidRequest(`\`${name.value}\` is given twice`);
    if (name.value === '__proto__') throw new InvalidRequest('`__proto__` is a reserved name');
    const given = valueOf(value, values);
    if (given !== undefined) members.set(name.value, given);
  }
  return Object.fromEntries(members);
}

function valueOf(node: ValueNode, values: Values): JsonValue | undefined {
  switch (node.kind) {
    case Kind.VARIABLE: {
      if (!values.has(node.name.value))
        throw new InvalidRequest(`the variable \`$${node.name.value}\` is not declared`);
      return values.get(node.name.value);
    }
    case Kind.INT:
    case Kind.FLOAT:
      return numberOf(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((each) => valueOf(each, values) ?? null);
    case Kind.OBJECT:
      return membersOf(node.fields, values);
  }
}

function numberOf(text: string): number {
  const number = Number(text);
  const exact = Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
  if (!exact) throw new InvalidRequest(`\`${text}\` is a number that cannot be kept exactly; send it as a text`);
  return number;
}
