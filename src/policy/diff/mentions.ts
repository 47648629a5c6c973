import { markedLong, operands, operatorOf, partsOf, type Binary, type Expr } from '../../pdp/cedar/expression.ts';
import type { PatternElement } from '../../pdp/cedar/pattern.ts';
import { namesInConstraint } from '../../pdp/schema/names.ts';
import type { Policy } from '../../pdp/policy-set.ts';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

/** A value that a request could hold, of those that JSON and Cedar share. */
export type Sample = string | number | boolean;

/** What policies look at: paths such as `context.args.amount`, with values on either side of what they are compared with. */
export type Mentions = {
  /** By the path as JSON. */
  paths: Map<string, { path: string[]; samples: Set<Sample>; isSet: boolean }>;
  /** Ids of entities by their type. */
  entities: Map<string, Set<string>>;
};

export function mentionsOf(policies: Iterable<Policy>): Mentions {
  const mentions: Mentions = { paths: new Map(), entities: new Map() };
  for (const policy of policies) {
    const json = JSON.parse(policy.json) as PolicyJson;
    for (const constraint of [json.principal, json.action, json.resource]) {
      for (const { type, id } of namesInConstraint(constraint)) noteEntity(mentions, type, id);
    }
    for (const { type, id } of Object.values(policy.slots ?? {})) noteEntity(mentions, type, id);
    for (const { body } of json.conditions) noteExpression(mentions, body);
  }
  return mentions;
}

/** Operators whose operands are booleans: a path that stands there by itself is one. */
const LOGICAL = new Set(['&&', '||', '!', 'if-then-else']);
const OF_SETS = new Set(['contains', 'containsAll', 'containsAny', 'isEmpty']);

function noteExpression(mentions: Mentions, body: Expr): void {
  const pending: { expr: Expr; logical: boolean }[] = [{ expr: body, logical: true }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { name, body: inner } = operatorOf(next.expr);
    const path = pathOf(next.expr);
    if (path !== null) {
      if (next.logical) note(mentions, path, [true, false]);
      continue;
    }
    if (name === 'has') {
      const { left, attr } = inner as { left: Expr; attr: string | string[] };
      const owner = pathOf(left);
      if (owner !== null) note(mentions, [...owner, ...(typeof attr === 'string' ? [attr] : attr)], []);
    } else if (!LOGICAL.has(name)) {
      noteCompared(mentions, next.expr, OF_SETS.has(name));
    }
    const parts = name === '&&' || name === '||' ? operands(next.expr, name) : partsOf({ name, body: inner });
    for (const expr of parts) pending.push({ expr, logical: LOGICAL.has(name) });
  }
}

/** Each path below an operator may meet each constant below it. */
function noteCompared(mentions: Mentions, expr: Expr, ofSets: boolean): void {
  const paths: string[][] = [];
  const samples: Sample[] = [];
  const pending = [expr];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const path = pathOf(next);
    if (path !== null) {
      paths.push(path);
      continue;
    }
    const { name, body } = operatorOf(next);
    if (name === 'Value') {
      const uid = (body as { __entity?: { type: string; id: string } } | null)?.__entity;
      if (uid !== undefined) noteEntity(mentions, uid.type, uid.id);
      else samples.push(...around(body));
    } else if (name === 'like') {
      samples.push(...samplesOf((body as { pattern: PatternElement[] }).pattern));
    }
    const digits = markedLong(next);
    if (digits === null) pending.push(...partsOf({ name, body }));
  }
  // Two paths that are compared with each other need a value that both may have.
  if (paths.length > 1) samples.push('the same', 1);
  const collection = ofSets ? pathOf((operatorOf(expr).body as Partial<Binary> & { arg?: Expr }).left ?? expr) : null;
  for (const path of paths) note(mentions, path, samples, collection !== null && path.join() === collection.join());
}

function around(literal: unknown): Sample[] {
  if (typeof literal === 'number') return [literal - 1, literal, literal + 1];
  return typeof literal === 'string' || typeof literal === 'boolean' ? [literal] : [];
}

/** Texts that match a pattern, in several ways, and one that just does not. */
function samplesOf(pattern: readonly PatternElement[]): string[] {
  const filled = (text: string) => pattern.map((element) => (element === 'Wildcard' ? text : element.Literal)).join('');
  const matching = [filled('x'), filled('x/y'), filled('')];
  return [...matching, filled('x').slice(1), `${filled('x').slice(0, -1)}~`];
}

function note(mentions: Mentions, path: string[], samples: readonly Sample[], isSet = false): void {
  const key = JSON.stringify(path);
  const known = mentions.paths.get(key) ?? { path, samples: new Set<Sample>(), isSet: false };
  for (const sample of samples) known.samples.add(sample);
  known.isSet ||= isSet;
  mentions.paths.set(key, known);
}

function noteEntity(mentions: Mentions, type: string, id: string): void {
  const known = mentions.entities.get(type) ?? new Set<string>();
  known.add(id);
  mentions.entities.set(type, known);
}

/** `context.args.amount` as its names, `null` for any other expression. */
function pathOf(expr: Expr): string[] | null {
  const names: string[] = [];
  for (let next = expr; ;) {
    const { name, body } = operatorOf(next);
    if (name === 'Var') return names.length === 0 ? null : [body as string, ...names];
    if (name !== '.' || markedLong(next) !== null) return null;
    const { left, attr } = body as { left: Expr; attr: string };
    names.unshift(attr);
    next = left;
  }
}
