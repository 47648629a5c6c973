import type { Entities } from './entities.ts';
import { isIn } from './entities.ts';
import { markedLong, operands, operatorOf, type Binary, type Expr, type Unary } from './expression.ts';
import { EXTENSIONS } from './extension.ts';
import { valueOf, type ValueJson } from './literal.ts';
import {
  addLong,
  CedarSet,
  Datetime,
  Duration,
  EagerRecord,
  EntityUid,
  equal,
  EvaluationError,
  multiplyLong,
  subtractLong,
  toLong,
  typeName,
  CedarRecord,
  type Long,
  type Value,
} from './value.ts';
import { compilePattern, type PatternElement } from './pattern.ts';

/** What one evaluation looks at. */
export type Request = {
  principal: EntityUid;
  action: EntityUid;
  resource: EntityUid;
  context: CedarRecord;
  entities: Entities;
};

/** A compiled expression. @throws EvaluationError where Cedar's evaluation errs. */
export type Code = (request: Request) => Value;
export type Test = (request: Request) => boolean;

/**
 * Compiles an expression to closures. Policy text only ever selects among the closures below; none of it becomes code.
 *
 * @throws TypeError for an expression that is not of Cedar 4.5.
 */
export function compile(expr: Expr): Code {
  const { name, body } = operatorOf(expr);
  const digits = name === '.' ? markedLong(expr) : null;
  if (digits !== null) return constant(() => toLong(BigInt(digits)));
  const operator = OPERATORS.get(name);
  if (operator !== undefined) return SHARED.has(name) ? shared(operator, body, expr) : operator(body, expr);
  if (Array.isArray(body)) return compileExtension(name, body as Expr[]);
  throw new TypeError(`Cedar's operator \`${name}\` is not known`);
}

/** What thousands of policies ask in the same words, such as `context.args has amount`. */
const SHARED = new Set(['.', 'has']);
const MOST_SHARED = 2_000;
const LONGEST_SHARED = 200;
const known = new Map<string, Code>();

/** One closure for all who ask the same: less to keep, and what is used often stays in the processor's cache. */
function shared(operator: Compiler, body: unknown, expr: Expr): Code {
  const text = JSON.stringify(expr);
  const before = known.get(text);
  if (before !== undefined) return before;
  const code = operator(body, expr);
  if (text.length > LONGEST_SHARED) return code;
  if (known.size >= MOST_SHARED) known.clear();
  known.set(text, code);
  return code;
}

/** An expression where Cedar asks for a boolean. */
export function compileTest(expr: Expr): Test {
  const code = compile(expr);
  return (request) => {
    const value = code(request);
    if (typeof value === 'boolean') return value;
    throw wrongType('a boolean', value);
  };
}

const CONSTANTS = new WeakMap<Code, Value>();

/** Evaluated once, where that does not err; otherwise it errs each time it is reached, as in Cedar. */
function constant(make: () => Value): Code {
  try {
    const value = make();
    const code = () => value;
    CONSTANTS.set(code, value);
    return code;
  } catch (error) {
    if (error instanceof EvaluationError) return () => make();
    throw error;
  }
}

/** Folds what depends on no variable. */
function folded(parts: readonly Code[], code: Code): Code {
  if (!parts.every((part) => CONSTANTS.has(part))) return code;
  // Constants look at no request.
  return constant(() => code(undefined as unknown as Request));
}

type Compiler = (body: unknown, expr: Expr) => Code;

const OPERATORS: ReadonlyMap<string, Compiler> = new Map<string, Compiler>([
  ['Value', (body) => constant(() => valueOf(body as ValueJson))],
  ['Var', (body) => VARIABLES[body as keyof typeof VARIABLES]],
  ['!', (body) => not(body as Unary)],
  ['neg', (body) => negate(body as Unary)],
  ['==', (body) => compileEqual(body as Binary, true)],
  ['!=', (body) => compileEqual(body as Binary, false)],
  ['<', (body) => compare(body as Binary, (a, b) => a < b)],
  ['<=', (body) => compare(body as Binary, (a, b) => a <= b)],
  ['>', (body) => compare(body as Binary, (a, b) => a > b)],
  ['>=', (body) => compare(body as Binary, (a, b) => a >= b)],
  ['+', (body) => binary(body as Binary, (a, b) => addLong(long(a), long(b)))],
  ['-', (body) => binary(body as Binary, (a, b) => subtractLong(long(a), long(b)))],
  ['*', (body) => binary(body as Binary, (a, b) => multiplyLong(long(a), long(b)))],
  ['&&', (_body, expr) => compileAnd(operands(expr, '&&').map(compileTest))],
  ['||', (_body, expr) => compileOr(operands(expr, '||').map(compileTest))],
  ['if-then-else', (body) => compileIf(body as { if: Expr; then: Expr; else: Expr })],
  ['in', (body) => compileIn(compile((body as Binary).left), compile((body as Binary).right))],
  ['is', (body) => compileIs(body as { left: Expr; entity_type: string; in?: Expr })],
  ['contains', (body) => binary(body as Binary, (a, b) => set(a).contains(b))],
  ['containsAll', (body) => binary(body as Binary, (a, b) => containsAll(set(a), set(b)))],
  ['containsAny', (body) => binary(body as Binary, (a, b) => containsAny(set(a), set(b)))],
  ['isEmpty', (body) => unary(body as Unary, (value) => set(value).items.length === 0)],
  ['.', (body) => compileAccess(body as { left: Expr; attr: string })],
  ['has', (body) => compileHas(body as { left: Expr; attr: string | readonly string[] })],
  ['getTag', (body) => compileGetTag(body as Binary)],
  ['hasTag', (body) => compileHasTag(body as Binary)],
  ['like', (body) => compileLike(body as { left: Expr; pattern: readonly PatternElement[] })],
  ['Set', (body) => compileSet(body as readonly Expr[])],
  ['Record', (body) => compileRecord(body as Record<string, Expr>)],
]);

const VARIABLES: Record<'principal' | 'action' | 'resource' | 'context', Code> = {
  principal: (request) => request.principal,
  action: (request) => request.action,
  resource: (request) => request.resource,
  context: (request) => request.context,
};

function unary({ arg }: Unary, apply: (value: Value) => Value): Code {
  const code = compile(arg);
  return folded([code], (request) => apply(code(request)));
}

function binary({ left, right }: Binary, apply: (a: Value, b: Value) => Value): Code {
  const [a, b] = [compile(left), compile(right)];
  return folded([a, b], (request) => apply(a(request), b(request)));
}

function negate({ arg }: Unary): Code {
  const digits = markedLong(arg);
  // The smallest integer is read as a whole: without its sign it would be one too large.
  if (digits !== null) return constant(() => toLong(-BigInt(digits)));
  return unary({ arg }, (value) => subtractLong(0, long(value)));
}

function not({ arg }: Unary): Code {
  const test = compileTest(arg);
  return (request) => !test(request);
}

/** Both sides are evaluated, so that either may err; comparing itself never does. */
function compileEqual({ left, right }: Binary, wanted: boolean): Code {
  const [a, b] = [compile(left), compile(right)];
  const known = CONSTANTS.get(b);
  // Of primitives, identity is equality: the usual test of an attribute against a literal.
  if (known !== undefined && typeof known !== 'object') return (request) => (a(request) === known) === wanted;
  return folded([a, b], (request) => equal(a(request), b(request)) === wanted);
}

function compare(operator: Binary, holds: (a: Long, b: Long) => boolean): Code {
  return binary(operator, (a, b) => {
    if (isLong(a) && isLong(b)) return holds(a, b);
    if (a instanceof Datetime && b instanceof Datetime) return holds(a.ms, b.ms);
    if (a instanceof Duration && b instanceof Duration) return holds(a.ms, b.ms);
    const comparable = isLong(a) || a instanceof Datetime || a instanceof Duration;
    throw comparable
      ? new EvaluationError(`${typeName(a)} cannot be compared with ${typeName(b)}`)
      : wrongType('an integer, a datetime or a duration', a);
  });
}

export function compileAnd(tests: readonly Test[]): Test {
  const [first, second, third] = tests;
  if (tests.length === 1) return first!;
  if (tests.length === 2) return (request) => first!(request) && second!(request);
  if (tests.length === 3) return (request) => first!(request) && second!(request) && third!(request);
  return (request) => {
    for (const test of tests) if (!test(request)) return false;
    return true;
  };
}

function compileOr(tests: readonly Test[]): Test {
  return (request) => {
    for (const test of tests) if (test(request)) return true;
    return false;
  };
}

function compileIf(branches: { if: Expr; then: Expr; else: Expr }): Code {
  const test = compileTest(branches.if);
  const [yes, no] = [compile(branches.then), compile(branches.else)];
  return (request) => (test(request) ? yes(request) : no(request));
}

function compileIn(left: Code, right: Code): Code {
  return (request) => {
    const uid = entity(left(request));
    const groups = right(request);
    if (groups instanceof EntityUid) return isIn(request.entities, uid, groups);
    if (!(groups instanceof CedarSet)) throw wrongType('an entity or a set of entities', groups);
    // Each element is checked before the answer, even behind one that matches.
    for (const group of groups.items) entity(group);
    return groups.items.some((group) => isIn(request.entities, uid, group as EntityUid));
  };
}

function compileIs(operator: { left: Expr; entity_type: string; in?: Expr }): Code {
  const left = compile(operator.left);
  const type = operator.entity_type;
  if (operator.in === undefined) return (request) => entity(left(request)).type === type;
  const within = compileIn(left, compile(operator.in));
  return (request) => entity(left(request)).type === type && within(request);
}

function containsAll(whole: CedarSet, part: CedarSet): boolean {
  return part.items.every((item) => whole.contains(item));
}

function containsAny(whole: CedarSet, part: CedarSet): boolean {
  return part.items.some((item) => whole.contains(item));
}

function compileAccess({ left, attr }: { left: Expr; attr: string }): Code {
  const code = compile(left);
  if (code === VARIABLES.context) {
    return (request) => {
      const value = request.context.get(attr);
      if (value !== undefined) return value;
      throw new EvaluationError(`\`context\` has no attribute \`${attr}\``);
    };
  }
  return (request) => {
    const owner = code(request);
    const value = attributesOf(owner, request)?.get(attr);
    if (value !== undefined) return value;
    if (owner instanceof EntityUid) throw new EvaluationError(`\`${show(owner)}\` has no attribute \`${attr}\``);
    throw new EvaluationError(`a record has no attribute \`${attr}\``);
  };
}

/** `e has a.b.c` is `e has a && e.a has b && e.a.b has c`. */
function compileHas({ left, attr }: { left: Expr; attr: string | readonly string[] }): Code {
  const code = compile(left);
  const path = typeof attr === 'string' ? [attr] : attr;
  const only = path.length === 1 ? path[0]! : null;
  if (only !== null && code === VARIABLES.context) return (request) => request.context.get(only) !== undefined;
  return (request) => {
    let value = code(request);
    for (const name of path) {
      const member = attributesOf(value, request)?.get(name);
      if (member === undefined) return false;
      value = member;
    }
    return true;
  };
}

/** The attributes of a record, or of an entity when it is known. */
function attributesOf(value: Value, request: Request): CedarRecord | undefined {
  if (value instanceof EntityUid) return request.entities.get(value)?.attrs;
  if (value instanceof CedarRecord) return value;
  throw wrongType('an entity or a record', value);
}

function compileGetTag(operator: Binary): Code {
  const [owner, key] = [compile(operator.left), compile(operator.right)];
  return (request) => {
    const [uid, tag] = [owner(request), key(request)];
    const value = request.entities.get(entity(uid))?.tags.get(string(tag));
    if (value === undefined) throw new EvaluationError(`\`${show(entity(uid))}\` has no tag \`${string(tag)}\``);
    return value;
  };
}

function compileHasTag(operator: Binary): Code {
  const [owner, key] = [compile(operator.left), compile(operator.right)];
  return (request) => {
    const [uid, tag] = [entity(owner(request)), string(key(request))];
    return request.entities.get(uid)?.tags.get(tag) !== undefined;
  };
}

function compileLike({ left, pattern }: { left: Expr; pattern: readonly PatternElement[] }): Code {
  const matches = compilePattern(pattern);
  return unary({ arg: left }, (value) => matches(string(value)));
}

function compileSet(elements: readonly Expr[]): Code {
  const codes = elements.map(compile);
  return folded(codes, (request) => new CedarSet(codes.map((code) => code(request))));
}

function compileRecord(members: Record<string, Expr>): Code {
  const codes = Object.entries(members).map(([name, member]) => [name, compile(member)] as const);
  return folded(
    codes.map(([, code]) => code),
    (request) => new EagerRecord(codes.map(([name, code]) => [name, code(request)])),
  );
}

function compileExtension(name: string, args: readonly Expr[]): Code {
  const extension = EXTENSIONS.get(name);
  if (extension === undefined) throw new TypeError(`Cedar's function \`${name}\` is not known`);
  const codes = args.map(compile);
  return folded(codes, (request) => {
    const values = codes.map((code) => code(request));
    if (values.length === extension.arity) return extension.call(values);
    throw new EvaluationError(`\`${name}\` needs ${extension.arity} arguments, not ${values.length}`);
  });
}

function isLong(value: Value): value is Long {
  return typeof value === 'number' || typeof value === 'bigint';
}
function long(value: Value): Long {
  if (isLong(value)) return value;
  throw wrongType('an integer', value);
}
function string(value: Value): string {
  if (typeof value === 'string') return value;
  throw wrongType('a string', value);
}
function entity(value: Value): EntityUid {
  if (value instanceof EntityUid) return value;
  throw wrongType('an entity', value);
}
function set(value: Value): CedarSet {
  if (value instanceof CedarSet) return value;
  throw wrongType('a set', value);
}

function wrongType(wanted: string, value: Value): EvaluationError {
  return new EvaluationError(`${wanted} is needed, not ${typeName(value)}`);
}

function show(uid: EntityUid): string {
  return `${uid.type}::${JSON.stringify(uid.id)}`;
}
