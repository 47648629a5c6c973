import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { EFFECTS } from '../../core/effect.ts';
import { operatorOf, partsOf, type Expr } from '../cedar/expression.ts';
import type { Catalogue } from './catalogue.ts';

/** An entity that a policy writes out. */
export type Named = { type: string; id: string };

/** The entities in the head and in the conditions of a policy, each once. */
export function namesIn(json: PolicyJson): { head: Named[]; conditions: Named[] } {
  return {
    head: [json.principal, json.action, json.resource].flatMap(namesInConstraint),
    conditions: json.conditions.flatMap(({ body }) => namesInExpression(body)),
  };
}

export function namesInExpression(expr: Expr): Named[] {
  const found: Named[] = [];
  const pending = [expr];
  while (pending.length > 0) {
    const operator = operatorOf(pending.pop()!);
    if (operator.name === 'Value') found.push(...namesInConstraint(operator.body));
    for (const part of partsOf(operator)) pending.push(part);
  }
  return found;
}

/** The entities in a part of a head. */
export function namesInConstraint(value: unknown): Named[] {
  if (typeof value !== 'object' || value === null) return [];
  const { type, id } = value as Record<string, unknown>;
  if (typeof type === 'string' && typeof id === 'string') return [{ type, id }];
  return Object.values(value).flatMap(namesInConstraint);
}

/** A name that the catalogue does not have, and the nearest that it has. */
export type UnknownName = { name: Named; message: string };

const KINDS: Readonly<Record<string, string>> = {
  Action: 'operation',
  Target: 'target',
  Group: 'group',
  TrustDomain: 'trust domain',
};

const MAX_SUGGESTIONS = 100;
const SHOWN_LENGTH = 200;

function cut(id: string): string {
  return id.length <= SHOWN_LENGTH ? id : `${id.slice(0, SHOWN_LENGTH)}…`;
}

/** What the catalogue has, by entity type. A type that is not there may have any names. */
export class KnownNames {
  readonly #byType = new Map<string, ReadonlySet<string>>();
  readonly #suggestions = new Map<string, string>();

  constructor({ targets, groups, trustDomains }: Catalogue) {
    const operations = targets.flatMap((target) => target.operations.map(({ name }) => `${target.name}:${name}`));
    this.#byType.set('Action', new Set([...EFFECTS, ...operations]));
    this.#byType.set('Target', new Set(targets.map(({ name }) => name)));
    if (groups !== null) this.#byType.set('Group', new Set(groups));
    if (trustDomains !== null) this.#byType.set('TrustDomain', new Set(trustDomains));
  }

  /** Which of the names are of no known operation, target, group or trust domain. */
  unknown(names: readonly Named[]): UnknownName[] {
    return names.flatMap((name) => {
      if (name.type === 'Resource') return this.#unknownTarget(name);
      const known = this.#byType.get(name.type);
      if (known === undefined || known.has(name.id)) return [];
      return [{ name, message: `there is no ${KINDS[name.type]} \`${cut(name.id)}\`${this.#near(name, known)}` }];
    });
  }

  /** A resource is named `target:name`. */
  #unknownTarget(name: Named): UnknownName[] {
    const colon = name.id.indexOf(':');
    const target = name.id.slice(0, Math.max(colon, 0));
    const known = this.#byType.get('Target')!;
    if (colon !== -1 && known.has(target)) return [];
    const near = this.#near({ type: 'Target', id: colon === -1 ? name.id : target }, known);
    const problem = colon === -1 ? 'names no target; write `target:name`' : `is of no target \`${cut(target)}\``;
    return [{ name, message: `the resource \`${cut(name.id)}\` ${problem}${near}` }];
  }

  /** A set that names thousands of things that are not there is told what the first ones may have meant. */
  #near({ type, id }: Named, known: ReadonlySet<string>): string {
    const key = `${type} ${id}`;
    let near = this.#suggestions.get(key);
    if (near === undefined && this.#suggestions.size < MAX_SUGGESTIONS) {
      near = suggestion(id, [...known]);
      this.#suggestions.set(key, near);
    }
    return near ?? '';
  }
}

/** `; did you mean …?`, or nothing when nothing is near. */
export function suggestion(wanted: string, known: readonly string[]): string {
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(wanted, name, best === undefined ? limit : best.distance - 1);
    if (distance !== null) best = { name, distance };
  }
  return best === undefined ? '' : `; did you mean \`${best.name}\`?`;
}

/** Levenshtein distance with neighbours that changed places counted once, or `null` beyond `limit`. */
function editDistance(a: string, b: string, limit: number): number | null {
  if (Math.abs(a.length - b.length) > limit || limit < 0) return null;
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_none, n) => n)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = a[i - 1] !== b[j - 1] ? 1 : 0;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + swap);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    [before, last] = [last, row];
  }
  return last[b.length]! <= limit ? last[b.length]! : null;
}
