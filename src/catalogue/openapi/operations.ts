import { InvalidConfig } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { MAX_OPERATIONS, type ImportedOperation } from '../imported.ts';
import { wordsOf } from '../words.ts';
import { asText } from './as-text.ts';
import { templateOf } from './path-template.ts';
import type { References } from './references.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'query'] as const;

/** Headers that frame a message or say who calls: whoever sends the request sets them, and they are no argument. */
const NOT_ARGUMENTS =
  /^(?:accept|content-.*|authorization|cookie|host|user-agent|x-forwarded-.*|accept-encoding|expect|te|connection)$/i;

/** `--only`: whether an operation is wanted, by its name and request. */
export type Wanted = (name: string, request: string) => boolean;

/**
 * The operations of an OpenAPI document, each with what it looks like on the wire; and the paths that no template can say.
 *
 * @throws InvalidConfig when there are none, or more than anybody could read.
 */
export function operationsOf(
  file: string,
  document: JsonObject,
  references: References,
  wanted: Wanted,
): { operations: ImportedOperation[]; leftOut: string[] } {
  const found: ImportedOperation[] = [];
  const leftOut: string[] = [];
  const names = new Set<string>();
  const paths = isJsonObject(document['paths']) ? document['paths'] : {};
  for (const [path, item] of Object.entries(paths)) {
    const template = path.startsWith('/') ? templateOf(path) : undefined;
    if (template === undefined) {
      if (!path.startsWith('x-')) leftOut.push(path);
      continue;
    }
    const shared = references.follow(item);
    for (const method of METHODS) {
      if (!isJsonObject(shared[method])) continue;
      const operation = new Operation(template, method, shared, shared[method], document, references);
      const name = unused(operation.name(), names);
      if (!wanted(name, `${method.toUpperCase()} ${template}`)) continue;
      names.add(name);
      found.push(operation.imported(name));
      if (found.length > MAX_OPERATIONS) {
        throw new InvalidConfig(
          `${file}: has more than ${MAX_OPERATIONS} operations; import those that agents need with \`--only PATTERN\``,
        );
      }
    }
  }
  if (found.length === 0) throw new InvalidConfig(`${file}: there is no operation in \`paths\` that was asked for`);
  return { operations: found, leftOut };
}

/** Two operations never share a name: a policy about one would be about both. */
function unused(name: string, names: ReadonlySet<string>): string {
  if (!names.has(name)) return name;
  let number = 2;
  while (names.has(`${name}_${number}`)) number++;
  return `${name}_${number}`;
}

class Operation {
  readonly #path: string;
  readonly #method: string;
  readonly #operation: JsonObject;
  readonly #parameters: JsonObject[];
  readonly #document: JsonObject;
  readonly #references: References;
  readonly #notes: string[] = [];

  constructor(
    path: string,
    method: string,
    shared: JsonObject,
    operation: JsonObject,
    document: JsonObject,
    references: References,
  ) {
    this.#path = path;
    this.#method = method;
    this.#operation = operation;
    this.#document = document;
    this.#references = references;
    // What the operation says of a parameter replaces what its path says.
    const all = [...listOf(shared['parameters']), ...listOf(operation['parameters'])].map((each) =>
      references.follow(each),
    );
    this.#parameters = [
      ...new Map(all.map((each) => [`${asText(each['in'] ?? '')} ${asText(each['name'] ?? '')}`, each])).values(),
    ];
  }

  name(): string {
    const id = this.#operation['operationId'];
    if (typeof id === 'string' && /^[\w./:@-]{1,200}$/.test(id)) return id;
    const source = typeof id === 'string' && id.trim() !== '' ? id : `${this.#method} ${this.#path}`;
    const words = wordsOf(source).join('_');
    return words === '' ? this.#method : words;
  }

  imported(name: string): ImportedOperation {
    const operation = this.#operation;
    const query = this.#named('query');
    const headers = this.#named('header').filter((header) => !NOT_ARGUMENTS.test(header));
    const { form, schema } = this.#body();
    if (this.#named('cookie').length > 0) this.#notes.push('cookies are not sent');
    if (operation['deprecated'] === true) this.#notes.push('deprecated');
    const isDefault = form === (['get', 'head', 'delete', 'options'].includes(this.#method) ? 'none' : 'json');
    return {
      name,
      described: {
        name: typeof operation['operationId'] === 'string' ? operation['operationId'] : name,
        method: this.#method.toUpperCase(),
        path: this.#path,
        summary: textOf(operation['summary']),
        description: textOf(operation['description']),
        tags: listOf(operation['tags']).filter((tag) => typeof tag === 'string'),
        scopes: this.#scopes(),
        inputSchema: this.#arguments(schema),
        outputSchema: this.#answer(),
        schemaAt: this.#references.schemaAt,
      },
      wire: {
        request: `${this.#method.toUpperCase()} ${this.#path}`,
        ...(query.length > 0 ? { query } : {}),
        ...(headers.length > 0 ? { headers } : {}),
        ...(isDefault ? {} : { body: form }),
      },
      notes: this.#notes,
    };
  }

  #named(place: string): string[] {
    const names = this.#parameters.filter((each) => each['in'] === place).map((each) => each['name']);
    return names.filter((name) => typeof name === 'string' && name !== '') as string[];
  }

  /** What a body is on the wire: of several forms the one whose members are arguments. */
  #body(): { form: 'json' | 'form' | 'raw' | 'none'; schema?: JsonObject } {
    const inBody = this.#parameters.find((each) => each['in'] === 'body');
    if (inBody !== undefined) return { form: 'json', schema: this.#references.follow(inBody['schema']) };
    const inForm = this.#parameters.filter((each) => each['in'] === 'formData');
    if (inForm.length > 0) {
      const consumes = listOf(this.#operation['consumes'] ?? this.#document['consumes']);
      return { form: consumes.includes('multipart/form-data') ? 'raw' : 'form', schema: objectOf(inForm) };
    }
    const body = this.#references.follow(this.#operation['requestBody']);
    const content = isJsonObject(body['content']) ? body['content'] : {};
    const types = Object.keys(content);
    if (types.length === 0) return { form: 'none' };
    const json = types.find((type) => isJson(type));
    const form = types.find((type) => /^application\/x-www-form-urlencoded\b/i.test(type));
    const chosen = json ?? form;
    if (chosen === undefined) this.#notes.push(`its body is \`${types[0]!}\`, decided by its digest alone`);
    const media = this.#references.follow(content[chosen ?? types[0]!]);
    return {
      form: json !== undefined ? 'json' : form !== undefined ? 'form' : 'raw',
      schema: this.#schema(media['schema']),
    };
  }

  #arguments(body: JsonObject | undefined): JsonObject {
    const parameters = this.#parameters.filter((each) =>
      ['path', 'query', 'header'].includes(asText(each['in'] ?? '')),
    );
    const schema = objectOf(parameters);
    if (body === undefined) return schema;
    return { ...schema, allOf: [body] };
  }

  /** The schema of what it answers when it has done what was asked. */
  #answer(): JsonObject | undefined {
    const responses = isJsonObject(this.#operation['responses']) ? this.#operation['responses'] : {};
    const status = Object.keys(responses).find((code) => /^2(?:\d\d|XX)$/i.test(code) && code !== '204') ?? 'default';
    const response = this.#references.follow(responses[status]);
    if (response['schema'] !== undefined) return this.#schema(response['schema']);
    const content = isJsonObject(response['content']) ? response['content'] : {};
    const type = Object.keys(content).find((each) => isJson(each)) ?? Object.keys(content)[0];
    return type === undefined ? undefined : this.#schema(this.#references.follow(content[type])['schema']);
  }

  #schema(value: JsonValue | undefined): JsonObject | undefined {
    return isJsonObject(value) ? value : undefined;
  }

  /** The scopes of all alternatives; of none where it may be called without. */
  #scopes(): string[] | undefined {
    const required = listOf(this.#operation['security'] ?? this.#document['security']).filter(isJsonObject);
    const scopes = required
      .flatMap((each) => Object.values(each).flatMap(listOf))
      .filter((scope) => typeof scope === 'string');
    return scopes.length === 0 ? undefined : scopes;
  }
}

const listOf = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
const textOf = (value: JsonValue | undefined) => (typeof value === 'string' ? value : undefined);
const isJson = (type: string) => /^(?:application|text)\/(?:[\w.-]+\+)?json\b/i.test(type);

/** Parameters as the schema of an object: OpenAPI 2 has the type in the parameter itself. */
function objectOf(parameters: readonly JsonObject[]): JsonObject {
  const members = parameters.flatMap((each) => {
    const name = each['name'];
    const schema = isJsonObject(each['schema']) ? each['schema'] : each;
    return typeof name === 'string' ? [[name, schema] as const] : [];
  });
  return { type: 'object', properties: Object.fromEntries(members) };
}
