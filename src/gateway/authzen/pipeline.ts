import { actStep } from './act.ts';
import { authenticateStep } from './authenticate.ts';
import { decideStep } from './decide.ts';
import { describeStep } from './describe.ts';
import { observeStep } from './observe.ts';
import type { AuthzenParts } from './parts.ts';
import type { AuthzenStep } from './request.ts';

/** The AuthZEN policy enforcement point, in order. `decide` gathers, decides and records each question of the call in turn. */
export function authzenPipeline(parts: AuthzenParts): readonly AuthzenStep[] {
  return [
    authenticateStep(parts), //
    describeStep(parts),
    decideStep(parts.steps),
    actStep(parts),
    observeStep(parts.steps),
  ];
}
