import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { operatorOf, partsOf, type Expr } from '../cedar/expression.ts';
import type { CedarType } from './argument-type.ts';
import { suggestion } from './names.ts';
import { cedarSchema, type SchemaAction } from './schema.ts';

/** An attribute that is asked for with `has` and that nothing of the schema could have. */
export type UnknownAttribute = { name: string; message: string };

type Entities = Record<string, { shape?: CedarType }>;
type Schema = { entityTypes: Entities; actions: Record<string, { appliesTo?: { context: CedarType } }> };

/**
 * Cedar's validator takes `context has taks` for a test that is always false, and says nothing, or that the policy can
 * never apply. A name that no action, principal or resource of the policy could have is a misspelt one.
 */
export function unknownAttributes(
  { conditions }: PolicyJson,
  { actions, argumentsSeen }: { actions: readonly SchemaAction[]; argumentsSeen: boolean },
): UnknownAttribute[] {
  const asked = conditions.flatMap(({ body }) => pathsAsked(body));
  if (asked.length === 0) return [];
  // A schema of ours has the one namespace without a name; Cedar's type is of JSON or text.
  const schema = (cedarSchema(actions) as unknown as Record<string, Schema>)['']!;
  const contexts = actions.map(({ id }) => schema.actions[id]!.appliesTo!.context);
  return asked.flatMap(({ root, path }) => {
    // What nobody has seen cannot be misspelt.
    if (root === 'context' && !argumentsSeen && (path[0] === 'args' || path[0] === 'provenance')) return [];
    const types = root === 'context' ? contexts : ROOTS[root]!.map((name): CedarType => ({ type: 'Entity', name }));
    const found = firstUnknown(types, path, schema.entityTypes);
    if (found === null) return [];
    const whole = [root, ...path.slice(0, path.indexOf(found.name) + 1)].join('.');
    return [{ name: found.name, message: `there is no attribute \`${whole}\`${suggestion(found.name, found.known)}` }];
  });
}

const ROOTS: Readonly<Record<string, readonly string[]>> = {
  principal: ['Agent', 'Person'],
  resource: ['Target', 'Resource'],
};

/** The paths that stand before and behind a `has`, from a variable on. */
function pathsAsked(body: Expr): { root: string; path: string[] }[] {
  const found: { root: string; path: string[] }[] = [];
  const pending = [body];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const operator = operatorOf(next);
    if (operator.name === 'has') {
      const { left, attr } = operator.body as { left: Expr; attr: string | string[] };
      const before = pathOf(left);
      if (before !== null) found.push({ root: before.root, path: [...before.path, ...[attr].flat()] });
    }
    for (const part of partsOf(operator)) pending.push(part);
  }
  return found;
}

function pathOf(expr: Expr): { root: string; path: string[] } | null {
  const path: string[] = [];
  let operator = operatorOf(expr);
  while (operator.name === '.') {
    const { left, attr } = operator.body as { left: Expr; attr: string };
    path.unshift(attr);
    operator = operatorOf(left);
  }
  const root = operator.name === 'Var' ? String(operator.body) : '';
  return root === 'context' || Object.hasOwn(ROOTS, root) ? { root, path } : null;
}

/** The first name on the path that none of the types has, if all of them are known to have no such name. */
function firstUnknown(
  roots: readonly CedarType[],
  path: readonly string[],
  entities: Entities,
): { name: string; known: string[] } | null {
  let types = roots;
  for (const name of path) {
    const records = types.map((type) => attributesOf(type, entities));
    if (records.length === 0 || records.includes(null)) return null;
    const members = records.flatMap((record) => (Object.hasOwn(record!, name) ? [record![name]!] : []));
    if (members.length === 0) return { name, known: records.flatMap((record) => Object.keys(record!)) };
    types = members;
  }
  return null;
}

/** `null` where it is not known what there is. */
function attributesOf(type: CedarType, entities: Entities): Record<string, CedarType> | null {
  if (type.type === 'Record') return type.attributes;
  if (type.type !== 'Entity' || type.name === 'Untyped') return null;
  const shape = entities[type.name]?.shape;
  return shape?.type === 'Record' ? shape.attributes : {};
}
