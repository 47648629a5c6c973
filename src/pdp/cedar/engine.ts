import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { finish } from '../steps.ts';
import { compileAnd, compileTest, type Request, type Test } from './compile.ts';
import { mentions } from './expression.ts';
import { ScopeIndex } from './scope-index.ts';
import { scopeOf, scopeTests, type Scope, type SlotValues, type Variable } from './scope.ts';
import { EvaluationError } from './value.ts';

/** A policy in Cedar's JSON policy format with the id that answers name it by; `slots` when it links a template. */
export type PolicySource = { id: string; json: PolicyJson; slots?: SlotValues };

export type CompiledPolicy = {
  id: string;
  effect: 'permit' | 'forbid';
  scope: Scope;
  /** Whether the outcome may depend on the principal. */
  usesPrincipal: boolean;
  /** Whether head and conditions hold, where those variables of the head are tested already. The test: @throws EvaluationError */
  holds: (tested: readonly Variable[]) => Test;
};

/** @throws TypeError for JSON that is not a policy of Cedar 4.5. */
export function compilePolicy({ id, json, slots }: PolicySource): CompiledPolicy {
  const scope = scopeOf(json, slots);
  const conditions = json.conditions.map(({ kind, body }): Test => {
    const test = compileTest(body);
    return kind === 'when' ? test : (request) => !test(request);
  });
  return {
    id,
    effect: json.effect,
    scope,
    usesPrincipal: scope.principal.kind !== 'any' || json.conditions.some(({ body }) => mentions(body, 'principal')),
    holds: (tested) => {
      const tests = [...scopeTests(scope, tested), ...conditions];
      return tests.length === 0 ? () => true : compileAnd(tests);
    },
  };
}

/** Cedar's answer: whether it allows, the policies that determined that, and those that erred and were skipped. */
export type Answer = { allowed: boolean; reasons: string[]; errors: { policy: string; message: string }[] };

type FoundPolicy = Pick<CompiledPolicy, 'id' | 'effect'> & { holds: Test };

/** Authorisation as the Cedar language reference defines it ("How Cedar authorization works"). */
export class CedarEngine {
  readonly #index: ScopeIndex<FoundPolicy>;

  constructor(policies: Iterable<PolicySource>) {
    const entries = Array.from(policies, (source) => {
      const { id, effect, scope, holds } = compilePolicy(source);
      return { scope, found: (tested: readonly Variable[]): FoundPolicy => ({ id, effect, holds: holds(tested) }) };
    });
    this.#index = finish(ScopeIndex.build(entries));
  }

  authorize(request: Request): Answer {
    const satisfied: Record<'permit' | 'forbid', string[]> = { permit: [], forbid: [] };
    const errors: Answer['errors'] = [];
    this.#index.search(request, ({ id, effect, holds }) => {
      try {
        if (holds(request)) satisfied[effect].push(id);
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        errors.push({ policy: id, message: error.message });
      }
    });
    const allowed = satisfied.forbid.length === 0 && satisfied.permit.length > 0;
    return { allowed, reasons: allowed ? satisfied.permit : satisfied.forbid, errors };
  }
}
