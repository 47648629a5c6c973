import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { markedLong, type Expr } from '../cedar/expression.ts';

/**
 * What of a policy its types depend on: the same policy with each literal replaced by a small name of its own. Cedar's
 * validator looks at literals in two ways alone, and both are kept: whether two of one policy are the same, and whether
 * the text given to an extension's constructor is a good one. So policies of one shape are valid together or not at all.
 */
export function shapeOf({ effect, principal, action, resource, conditions }: PolicyJson): PolicyJson {
  const names = new Names();
  return {
    effect,
    principal: names.inConstraint(principal),
    action,
    resource: names.inConstraint(resource),
    conditions: conditions.map(({ kind, body }) => ({ kind, body: names.inExpression(body) })),
  };
}

const CONSTRUCTORS = new Set(['decimal', 'ip', 'datetime', 'duration']);

class Names {
  readonly #given = new Map<string, number>();

  inConstraint<Constraint extends PolicyJson['principal'] | PolicyJson['resource']>(
    constraint: Constraint,
  ): Constraint {
    return this.#inEntities(constraint) as Constraint;
  }

  inExpression(expr: Expr): Expr {
    const digits = markedLong(expr);
    if (digits !== null) return { Value: this.#name('long', digits) };
    const [name] = Object.keys(expr) as [string];
    const body = (expr as Record<string, unknown>)[name];
    if (name === 'Value') return { Value: this.#literal(body) } as Expr;
    if (name === 'Var' || name === 'Slot' || CONSTRUCTORS.has(name)) return expr;
    if (name === 'like')
      return { like: { left: this.inExpression((body as { left: Expr }).left), pattern: ['Wildcard'] } };
    // The one member keeps its name, so the type it had: a computed key loses that.
    return { [name]: this.#inBody(body) } as unknown as Expr;
  }

  /** Beside expressions, an operator's body holds the names of attributes and types. They stay. */
  #inBody(body: unknown): unknown {
    if (Array.isArray(body)) {
      return body.map((part: unknown) => (typeof part === 'string' ? part : this.inExpression(part as Expr)));
    }
    return Object.fromEntries(
      Object.entries(body as Record<string, unknown>).map(([name, part]) => [
        name,
        typeof part !== 'object' || part === null || Array.isArray(part) ? part : this.inExpression(part as Expr),
      ]),
    );
  }

  #literal(value: unknown): unknown {
    if (typeof value === 'number') return this.#name('long', String(value));
    if (typeof value === 'string') return `s${this.#name('string', value)}`;
    return this.#inEntities(value);
  }

  /** Actions keep their names: the schema knows each of them. */
  #inEntities(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const { type, id } = value as Record<string, unknown>;
    if (typeof type === 'string' && typeof id === 'string') {
      return type === 'Action' ? value : { type, id: `e${this.#name(type, id)}` };
    }
    if (Array.isArray(value)) return value.map((part) => this.#inEntities(part));
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, this.#inEntities(part)]));
  }

  #name(kind: string, literal: string): number {
    const key = JSON.stringify([kind, literal]);
    const known = this.#given.get(key);
    if (known !== undefined) return known;
    this.#given.set(key, this.#given.size);
    return this.#given.size - 1;
  }
}
