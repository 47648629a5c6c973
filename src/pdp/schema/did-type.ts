import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { operatorOf, partsOf, type Expr } from '../cedar/expression.ts';
import type { CedarType } from './argument-type.ts';

const LONG: CedarType = { type: 'Long' };
const DONE: CedarType = {
  type: 'Record',
  attributes: { times: LONG, succeeded: LONG, first_seconds_ago: LONG, last_seconds_ago: LONG },
};

/**
 * The type of `context.task.did` for one policy: an attribute for each operation that it asks for and that there is. All
 * operations would make a schema that grows with the square of the catalogue.
 *
 * @param exists whether there is an operation of this name, `target:operation`.
 */
export function didType({ conditions }: PolicyJson, exists: (operation: string) => boolean): CedarType {
  const asked = new Set<string>();
  const pending: Expr[] = conditions.map(({ body }) => body);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const operator = operatorOf(next);
    const name = operationName(next);
    if (name !== null && exists(name)) asked.add(name);
    pending.push(...partsOf(operator));
  }
  return {
    type: 'Record',
    attributes: Object.fromEntries([...asked].map((name) => [name, { ...DONE, required: false }])),
  };
}

/** `x` of `context.task.did["x"]` and of `context.task.did has "x"`. */
function operationName(expr: Expr): string | null {
  const { name, body } = operatorOf(expr);
  if (name !== '.' && name !== 'has') return null;
  const { left, attr } = body as { left: Expr; attr: string | string[] };
  const outer = operatorOf(left);
  if (outer.name !== '.' || (outer.body as { attr: string }).attr !== 'did') return null;
  return typeof attr === 'string' ? attr : attr[0]!;
}
