import { InvalidConfig } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';

/** A chain of references longer than this is a circle. */
const MAX_HOPS = 32;

/**
 * What a document's references lead to, all within the document: nobody's file or server is read because a document names it.
 *
 * @throws InvalidConfig at one that leads elsewhere, nowhere, or round in a circle.
 */
export class References {
  readonly #file: string;
  readonly #document: JsonObject;
  readonly #known = new Map<string, JsonObject | undefined>();

  constructor(file: string, document: JsonObject) {
    this.#file = file;
    this.#document = document;
  }

  /** The object itself, its reference followed. Members beside a `$ref` are kept (OpenAPI 3.1): they come first. */
  follow(value: unknown): JsonObject {
    let current = value;
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      if (!isJsonObject(current)) return {};
      const ref = current['$ref'];
      if (typeof ref !== 'string') return current;
      current = this.#find(ref);
    }
    throw new InvalidConfig(`${this.#file}: a reference leads round in a circle; the document needs to be repaired`);
  }

  /** As JSON Schema uses it: what cannot be found says nothing, and does not stand in the way of the rest. */
  readonly schemaAt = (ref: string): JsonObject | undefined => {
    if (!this.#known.has(ref)) this.#known.set(ref, ref.startsWith('#') ? this.#at(ref) : undefined);
    return this.#known.get(ref);
  };

  #find(ref: string): JsonObject {
    if (!ref.startsWith('#')) {
      throw new InvalidConfig(
        `${this.#file}: refers to another document, \`${ref}\`; bundle them into one first, since nothing is fetched`,
      );
    }
    const found = this.schemaAt(ref);
    if (found !== undefined) return found;
    throw new InvalidConfig(`${this.#file}: refers to \`${ref}\`, which is not in it`);
  }

  /** RFC 6901, in a URI fragment. */
  #at(ref: string): JsonObject | undefined {
    let current: unknown = this.#document;
    for (const token of ref.slice(1).split('/').slice(1)) {
      const name = decoded(token).replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
      current = (current as Record<string, unknown>)[name];
    }
    return isJsonObject(current) ? current : undefined;
  }
}

function decoded(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}
