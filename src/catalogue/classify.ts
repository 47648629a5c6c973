import type { Effect } from '../core/effect.ts';
import type { JsonObject } from '../core/json.ts';
import type { Sensitivity } from '../core/sensitivity.ts';
import { evidenceOf } from './evidence.ts';
import { judge } from './judge.ts';
import { sensitivityOf } from './sensitivity.ts';

/** An operation as its own document tells of it. Nothing of it is trusted: it is what a guess is made from. */
export type Described = {
  /** `operationId`, tool or root field. */
  name: string;
  /** HTTP method, in any case; or `QUERY`, `MUTATION`, `SUBSCRIPTION` of GraphQL. */
  method?: string | undefined;
  /** Path template. */
  path?: string | undefined;
  summary?: string | undefined;
  description?: string | undefined;
  tags?: readonly string[] | undefined;
  /** JSON Schema of the arguments. */
  inputSchema?: JsonObject | undefined;
  /** JSON Schema of a successful answer. */
  outputSchema?: JsonObject | undefined;
  /** What a `$ref` of these schemas leads to; without it, none is followed. */
  schemaAt?: ((ref: string) => JsonObject | undefined) | undefined;
  /** OAuth scopes of which the document asks for one. */
  scopes?: readonly string[] | undefined;
  /** MCP annotations. A server may say that a tool is worse than it looks; that it is better is not believed. */
  hints?: { readOnlyHint?: unknown; destructiveHint?: unknown } | undefined;
};

/** `certain`: two independent signs agree and none is against. `likely`: one clear sign. `guess`: signs that differ, or none. */
export type Certainty = 'certain' | 'likely' | 'guess';

export type Classification = {
  effect: Effect;
  sensitivity: Sensitivity;
  certainty: Certainty;
  /** For people: what speaks for it, in order of weight. */
  why: string[];
};

/**
 * What an operation does and how sensitive it is, guessed from names, texts and schemas by what English words mean. A guess,
 * never a decision: somebody accepts it. Unsure is the more dangerous of what it may be.
 */
export function classify(described: Described): Classification {
  const evidence = evidenceOf(described);
  const { effect, certainty, why } = judge(evidence);
  const { sensitivity, because } = sensitivityOf(described, { effect, secrets: evidence.secrets });
  // Whoever accepts it is told of the claim; it changes nothing.
  const unbelieved = effect !== 'read' && described.hints?.readOnlyHint === true;
  return {
    effect,
    sensitivity,
    certainty,
    why: [
      ...new Set(why),
      ...(because === undefined ? [] : [because]),
      ...(unbelieved ? ['the server says that it only reads, which is not believed'] : []),
    ],
  };
}
