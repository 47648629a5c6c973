import { InvalidRequest } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { folded } from './request-target.ts';

/** The operations of a target by method and path template. A literal comes before a parameter, from left to right. */
export type RouteTable<Route> = {
  /**
   * The operation whose template the segments fit, and what its parameters stand for.
   *
   * @throws InvalidRequest when a parameter would be what some servers take for the literal of another operation.
   */
  find(method: string, segments: readonly string[]): { route: Route; parameters: JsonObject } | null;
};

type Node<Route> = {
  literals: Map<string, Node<Route>>;
  /** The literals as a lax server reads them. */
  foldedLiterals: Set<string>;
  parameters: { prefix: string; suffix: string; name: string; node: Node<Route> }[];
  /** For `{+name}`: one segment or more, to the end. */
  rest: { name: string; route: Route } | null;
  route: Route | null;
};

const PARAMETER = /^([^{}]*)\{([A-Za-z_][A-Za-z0-9_-]*)\}([^{}]*)$/;
const REST = /^\{\+([A-Za-z_][A-Za-z0-9_-]*)\}$/;
const LITERAL = /^[\w~!$&'()*+,=:@. -]*$/;

/** @throws RangeError naming what is wrong with a template: a fault of the target file. */
export function createRouteTable<Route extends { method: string; path: string }>(
  routes: readonly Route[],
): RouteTable<Route> {
  const byMethod = new Map<string, Node<Route>>();
  for (const route of routes) {
    const root = byMethod.get(route.method) ?? emptyNode<Route>();
    byMethod.set(route.method, root);
    insert(root, route);
  }
  return {
    find: (method, segments) => {
      const root = byMethod.get(method);
      const parameters: [string, string][] = [];
      const route = root === undefined ? null : walk(root, segments, 0, parameters);
      return route === null ? null : { route, parameters: Object.fromEntries(parameters) };
    },
  };
}

function emptyNode<Route>(): Node<Route> {
  return { literals: new Map(), foldedLiterals: new Set(), parameters: [], rest: null, route: null };
}

function insert<Route extends { method: string; path: string }>(root: Node<Route>, route: Route): void {
  const names = new Set<string>();
  const named = (name: string): string => {
    if (names.has(name)) throw new RangeError(`\`${route.path}\` has the parameter \`${name}\` twice`);
    names.add(name);
    return name;
  };
  let node = root;
  const segments = route.path.slice(1).split('/');
  for (const [place, segment] of segments.entries()) {
    const last = place === segments.length - 1;
    const rest = REST.exec(segment)?.[1];
    if (rest !== undefined) {
      if (!last)
        throw new RangeError(`\`${route.path}\` goes on after \`${segment}\`, which takes the rest of the path`);
      if (node.rest !== null) throw twice(route);
      node.rest = { name: named(rest), route };
      return;
    }
    const [, prefix = '', name, suffix = ''] = PARAMETER.exec(segment) ?? [];
    node =
      name === undefined
        ? literalNode(node, segment, route, last)
        : parameterNode(node, { prefix, name: named(name), suffix });
  }
  if (node.route !== null) throw twice(route);
  node.route = route;
}

function literalNode<Route extends { path: string }>(
  node: Node<Route>,
  segment: string,
  route: Route,
  last: boolean,
): Node<Route> {
  if (/[{}]/.test(segment))
    throw new RangeError(`\`${route.path}\`: a segment is a text, \`{name}\`, or a text with one \`{name}\` in it`);
  if (!LITERAL.test(segment) || segment === '.' || segment === '..' || (segment === '' && !last)) {
    throw new RangeError(`\`${route.path}\` has a segment that no request can have`);
  }
  const known = node.literals.get(segment) ?? emptyNode<Route>();
  node.literals.set(segment, known);
  node.foldedLiterals.add(folded(segment));
  return known;
}

function parameterNode<Route>(
  node: Node<Route>,
  { prefix, name, suffix }: { prefix: string; name: string; suffix: string },
): Node<Route> {
  const known = node.parameters.find((each) => each.prefix === prefix && each.suffix === suffix && each.name === name);
  if (known !== undefined) return known.node;
  const added = { prefix, suffix, name, node: emptyNode<Route>() };
  node.parameters.push(added);
  // The more a template says about a segment, the earlier it is tried.
  node.parameters.sort((a, b) => b.prefix.length + b.suffix.length - a.prefix.length - a.suffix.length);
  return added.node;
}

function twice({ method, path }: { method?: string; path: string }): RangeError {
  return new RangeError(`\`${method ?? ''} ${path}\` is the request of two operations`);
}

function walk<Route>(
  node: Node<Route>,
  segments: readonly string[],
  place: number,
  parameters: [string, string][],
): Route | null {
  const segment = segments[place];
  if (segment === undefined) return node.route;
  const literal = node.literals.get(segment);
  if (literal !== undefined) {
    const found = walk(literal, segments, place + 1, parameters);
    if (found !== null) return found;
  }
  for (const { prefix, suffix, name, node: next } of node.parameters) {
    const long = segment.length > prefix.length + suffix.length;
    if (!long || !segment.startsWith(prefix) || !segment.endsWith(suffix)) continue;
    const before = parameters.length;
    parameters.push([name, segment.slice(prefix.length, segment.length - suffix.length)]);
    const found = walk(next, segments, place + 1, parameters);
    if (found !== null) {
      refuseLookAlike(node, segment);
      return found;
    }
    parameters.length = before;
  }
  if (node.rest === null || segments.slice(place).includes('')) return null;
  refuseLookAlike(node, segment);
  parameters.push([node.rest.name, segments.slice(place).join('/')]);
  return node.rest.route;
}

/** `/users/Me` is `{user}` here, and `/users/me` to a server that ignores case. */
function refuseLookAlike(node: Node<unknown>, segment: string): void {
  if (node.literals.has(segment) || !node.foldedLiterals.has(folded(segment))) return;
  throw new InvalidRequest('a part of the path reads like that of another operation, in another spelling');
}
