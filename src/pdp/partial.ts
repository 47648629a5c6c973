import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { DecisionInput } from '../core/decision.ts';
import { compile, type Request } from './cedar/compile.ts';
import { isIn } from './cedar/entities.ts';
import { operands, operatorOf, partsOf, type Binary, type Expr, type Unary } from './cedar/expression.ts';
import { uidOf, type ValueJson } from './cedar/literal.ts';
import type { Constraint } from './cedar/scope.ts';
import { EvaluationError, type EntityUid } from './cedar/value.ts';
import type { Indexes, Ready } from './evaluate.ts';
import type { Policy } from './policy-set.ts';
import { CedarRequest } from './request.ts';
import { targetUid } from './uids.ts';

/** What an expression may turn out to be while arguments and resource are not known: a set, as bits. */
type Outcomes = number;
const TRUE = 1;
const FALSE = 2;
const ERROR = 4;
const OTHER = 8;
const ANYTHING = TRUE | FALSE | ERROR | OTHER;

/**
 * Evaluation with the arguments, where they came from, and the resource unknown. It errs to the side of what could
 * happen: an operation that it rules out is denied whatever its arguments are; one that it leaves in may still be.
 */
export class PartialEvaluator {
  readonly #indexes: Indexes;
  /** Parsed once for each policy that a list ever came to. */
  readonly #parsed = new WeakMap<Policy, PolicyJson>();

  constructor(indexes: Indexes) {
    this.#indexes = indexes;
  }

  couldPermit(input: DecisionInput): boolean {
    const request = new CedarRequest(input);
    const { action, context, entities } = request;
    const target = targetUid(input.action.target);
    return (
      request.principals.length > 0 &&
      request.principals.every((principal) =>
        this.#couldPermit({ principal, action, resource: target, context, entities }),
      )
    );
  }

  #couldPermit(request: Request): boolean {
    const wanted = { ...request, resource: null };
    let permitted = false;
    let forbidden = false;
    const take = (ready: Ready) => {
      const { policy } = ready;
      if (policy.observe || forbidden) return;
      const outcomes = this.#outcomes(ready, request);
      if (outcomes === ERROR) forbidden = true;
      else if (policy.effect === 'permit') permitted ||= (outcomes & TRUE) !== 0;
      else if (policy.approval === undefined && outcomes === TRUE) forbidden = true;
    };
    this.#indexes.shared.search(wanted, take);
    this.#indexes.ofPrincipal.search(wanted, take);
    return permitted && !forbidden;
  }

  #outcomes(ready: Ready, request: Request): Outcomes {
    const { principal, action, resource } = ready.scope;
    if (!matches(action, request.action, request) || !matches(principal, request.principal, request)) return FALSE;
    let all = resourceOutcomes(resource, request);
    if ((all & TRUE) === 0) return all;
    let json = this.#parsed.get(ready.policy);
    if (json === undefined) this.#parsed.set(ready.policy, (json = JSON.parse(ready.policy.json) as PolicyJson));
    for (const { kind, body } of json.conditions) {
      const outcomes = asTest(outcomesOf(body, request));
      all = then(all, kind === 'when' ? outcomes : negated(outcomes));
    }
    return all;
  }
}

function matches(constraint: Constraint, uid: EntityUid, { entities }: Request): boolean {
  switch (constraint.kind) {
    case 'any':
      return true;
    case 'equals':
      return uid.is(constraint.uid);
    case 'is':
      return uid.type === constraint.type;
    case 'in':
      return (
        (constraint.type === undefined || uid.type === constraint.type) &&
        constraint.groups.some((group) => isIn(entities, uid, group))
      );
  }
}

function resourceOutcomes(constraint: Constraint, request: Request): Outcomes {
  switch (constraint.kind) {
    case 'any':
      return TRUE;
    case 'equals':
      return resourceMayBe(constraint.uid, request) ? TRUE | FALSE : FALSE;
    case 'is':
      return ofType(constraint.type);
    case 'in': {
      const within = constraint.groups.reduce((all, group) => all | resourceIn(group, request), 0);
      const some = (within & TRUE) !== 0 ? (within === TRUE ? TRUE : TRUE | FALSE) : FALSE;
      return constraint.type === undefined ? some : then(ofType(constraint.type), some);
    }
  }
}

/** The unknown resource is the target as a whole, or a resource of the target. */
function ofType(type: string): Outcomes {
  return type === 'Resource' || type === 'Target' ? TRUE | FALSE : FALSE;
}

function resourceMayBe(uid: EntityUid, { resource: target }: Request): boolean {
  return uid.is(target) || (uid.type === 'Resource' && uid.id.startsWith(`${target.id}:`));
}

function resourceIn(group: EntityUid, request: Request): Outcomes {
  if (group.is(request.resource)) return TRUE;
  return resourceMayBe(group, request) ? TRUE | FALSE : FALSE;
}

function outcomesOf(expr: Expr, request: Request): Outcomes {
  if (!touchesUnknown(expr)) return run(expr, request);
  const { name, body } = operatorOf(expr);
  const test = (part: Expr) => asTest(outcomesOf(part, request));
  switch (name) {
    case '&&':
      return operands(expr, '&&').reduce((all, part) => then(all, test(part)), TRUE as Outcomes);
    case '||':
      return negated(operands(expr, '||').reduce((all, part) => then(all, negated(test(part))), TRUE as Outcomes));
    case '!':
      return negated(test((body as Unary).arg));
    case 'if-then-else': {
      const branches = body as { if: Expr; then: Expr; else: Expr };
      const condition = test(branches.if);
      return (
        (condition & ERROR) |
        (condition & TRUE ? outcomesOf(branches.then, request) : 0) |
        (condition & FALSE ? outcomesOf(branches.else, request) : 0)
      );
    }
    case 'is': {
      const { left, entity_type: type, in: within } = body as { left: Expr; entity_type: string; in?: Expr };
      if (!isResource(left) || within !== undefined) return TRUE | FALSE | ERROR;
      return ofType(type);
    }
    case 'in': {
      const { left, right } = body as Binary;
      const group = isResource(left) ? constantUid(right) : null;
      return group === null ? TRUE | FALSE | ERROR : resourceIn(group, request);
    }
    case '==':
    case '!=':
      return TRUE | FALSE | ERROR;
    default:
      return ANYTHING;
  }
}

/** What is true only when both are, the second being looked at only behind a true first. */
function then(first: Outcomes, second: Outcomes): Outcomes {
  return (first & ~TRUE) | (first & TRUE ? second : 0);
}

function negated(outcomes: Outcomes): Outcomes {
  return (outcomes & ERROR) | (outcomes & TRUE ? FALSE : 0) | (outcomes & FALSE ? TRUE : 0);
}

/** Where Cedar asks for a boolean, another value is an error. */
function asTest(outcomes: Outcomes): Outcomes {
  return outcomes & OTHER ? (outcomes & ~OTHER) | ERROR : outcomes;
}

function run(expr: Expr, request: Request): Outcomes {
  try {
    const value = compile(expr)(request);
    return value === true ? TRUE : value === false ? FALSE : OTHER;
  } catch (error) {
    if (error instanceof EvaluationError) return ERROR;
    throw error;
  }
}

function isResource(expr: Expr): boolean {
  return 'Var' in expr && expr.Var === 'resource';
}

function constantUid(expr: Expr): EntityUid | null {
  const value = 'Value' in expr ? (expr.Value as ValueJson) : null;
  return typeof value === 'object' && value !== null && '__entity' in value ? uidOf(value) : null;
}

const UNKNOWN_CONTEXT = new Set(['args', 'provenance', 'leases', 'flow']);

/** Whether the expression looks at the resource, the arguments, where they came from, the leases that they name, or the context as a whole. */
function touchesUnknown(expr: Expr): boolean {
  const operator = operatorOf(expr);
  const { name, body } = operator;
  if (name === 'Var') return body === 'resource' || body === 'context';
  if (name === '.' || name === 'has') {
    const { left, attr } = body as { left: Expr; attr: string | string[] };
    const path = typeof attr === 'string' ? [attr] : attr;
    const ofContext = 'Var' in left && left.Var === 'context';
    // `context has args` is known; what is in them is not.
    if (ofContext) return UNKNOWN_CONTEXT.has(path[0]!) && (name === '.' || path.length > 1 || path[0] !== 'args');
    return touchesUnknown(left);
  }
  return partsOf(operator).some(touchesUnknown);
}
