import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { EFFECTS, type Effect } from '../core/effect.ts';
import { markedLong, operands, operatorOf, type Binary, type Expr } from '../pdp/cedar/expression.ts';
import type { Catalogue } from '../pdp/schema/catalogue.ts';
import { namesInConstraint } from '../pdp/schema/names.ts';

/**
 * Why a policy can never apply, beyond what types tell: no operation of its head is there, or conditions that cannot
 * hold at once. `null` where it may.
 *
 * @param actions What there is, or `null` where the targets are not known.
 */
export function neverApplies(json: PolicyJson, actions: KnownActions | null): string | null {
  const head = headActions(json);
  if (head?.length === 0) return 'it names no operation, and `action in []` matches nothing';
  return (actions === null ? null : actions.missing(json, head)) ?? contradiction(json);
}

/** The operations and effects of the head, or `null` for any. */
export function headActions({ action }: Pick<PolicyJson, 'action'>): string[] | null {
  return action.op === 'All' ? null : namesInConstraint(action).map(({ id }) => id);
}

type KnownAction = { id: string; target: string; effect: Effect };

/** The operations of a catalogue, by effect and target. */
export class KnownActions {
  readonly #all: readonly KnownAction[];
  readonly #byId: ReadonlyMap<string, KnownAction>;

  constructor({ targets }: Pick<Catalogue, 'targets'>) {
    this.#all = targets.flatMap(({ name: target, operations }) =>
      operations.map(({ name, effect }) => ({ id: `${target}:${name}`, target, effect })),
    );
    this.#byId = new Map(this.#all.map((action) => [action.id, action]));
  }

  effectOf(id: string): Effect | undefined {
    return (EFFECTS as readonly string[]).includes(id) ? (id as Effect) : this.#byId.get(id)?.effect;
  }

  /** Whether each action of `inner` is one of `outer`'s; `null` is all. */
  covers(outer: readonly string[] | null, inner: readonly string[] | null): boolean {
    if (outer === null) return true;
    return inner !== null && inner.every((id) => outer.includes(id) || outer.includes(this.effectOf(id) ?? id));
  }

  /**
   * Why none of the head's operations is at the head's target. Names that do not exist are others' to tell, and a forbid
   * by effect may be meant for what is to come.
   */
  missing({ effect, resource }: PolicyJson, head: readonly string[] | null): string | null {
    const target = targetOf(resource);
    const atTarget = this.#all.filter((action) => action.target === target);
    if (target === null || atTarget.length === 0 || head === null) return null;
    if (head.some((id) => this.effectOf(id) === undefined || (effect === 'forbid' && !id.includes(':')))) return null;
    if (atTarget.some((action) => head.includes(action.id) || head.includes(action.effect))) return null;
    return `the target \`${target}\` has no operation that is ${head.map((id) => `\`${id}\``).join(' or ')}`;
  }
}

/** The one target whose resources the head names. */
function targetOf(resource: PolicyJson['resource']): string | null {
  const [name, ...more] = namesInConstraint(resource);
  if (name === undefined || more.length > 0) return null;
  if (name.type === 'Target') return name.id;
  return name.type === 'Resource' && name.id.includes(':') ? name.id.slice(0, name.id.indexOf(':')) : null;
}

type Range = { min: bigint; max: bigint; equal: string | null };
const ANY = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** Conditions joined by `&&` that no value of what they compare satisfies together. */
function contradiction({ conditions }: PolicyJson): string | null {
  const ranges = new Map<string, Range>();
  const said = new Set<string>();
  for (const part of conditions.flatMap(({ kind, body }) => (kind === 'when' ? operands(body, '&&') : []))) {
    const text = JSON.stringify(part);
    const { name, body } = operatorOf(part);
    const opposite =
      name === '!' ? JSON.stringify((body as { arg: Expr }).arg) : JSON.stringify({ '!': { arg: part } });
    if (said.has(opposite)) return 'it asks for something and for its opposite';
    said.add(text);
    const compared = comparison(part);
    if (compared !== null && !narrowed(ranges, compared))
      return 'it compares one thing with two values that exclude each other';
  }
  return null;
}

type Comparison = { operator: string; subject: string; literal: string | bigint };

const MIRRORED: Readonly<Record<string, string>> = { '==': '==', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** A comparison of anything with a literal, the literal on the right. */
function comparison(expr: Expr): Comparison | null {
  const { name, body } = operatorOf(expr);
  if (!Object.hasOwn(MIRRORED, name)) return null;
  const { left, right } = body as Binary;
  const [a, b] = [literalOf(left), literalOf(right)];
  const compared =
    a === null && b !== null
      ? { operator: name, subject: JSON.stringify(left), literal: b }
      : b === null && a !== null
        ? { operator: MIRRORED[name]!, subject: JSON.stringify(right), literal: a }
        : null;
  return compared !== null && typeof compared.literal === 'string' && name !== '==' ? null : compared;
}

function literalOf(expr: Expr): string | bigint | null {
  const digits = markedLong(expr);
  if (digits !== null) return BigInt(digits);
  const { name, body } = operatorOf(expr);
  if (name !== 'Value') return null;
  return typeof body === 'number' ? BigInt(body) : JSON.stringify(body);
}

/** Takes the comparison into what is known of its subject. Returns whether anything is left. */
function narrowed(ranges: Map<string, Range>, { operator, subject, literal }: Comparison): boolean {
  const range = ranges.get(subject) ?? { ...ANY, equal: null };
  ranges.set(subject, range);
  if (typeof literal === 'string') {
    if (range.equal !== null && range.equal !== literal) return false;
    range.equal = literal;
    return true;
  }
  if (operator === '==' || operator === '>=') range.min = largest(range.min, literal);
  if (operator === '==' || operator === '<=') range.max = -largest(-range.max, -literal);
  if (operator === '>') range.min = largest(range.min, literal + 1n);
  if (operator === '<') range.max = -largest(-range.max, -(literal - 1n));
  return range.min <= range.max;
}

function largest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
