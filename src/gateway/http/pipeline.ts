import { actStep } from './act.ts';
import { authenticateStep } from './authenticate.ts';
import { describeStep } from './describe.ts';
import { observeWhenFinished } from './observe-when-finished.ts';
import type { HttpParts } from './parts.ts';
import type { HttpStep } from './request.ts';

/** The way of one request to an HTTP target, in order. */
export function httpPipeline(parts: HttpParts): readonly HttpStep[] {
  // oxfmt-ignore
  return [
    /* 1 authenticate */ authenticateStep(parts),
    /* 2 describe     */ describeStep(parts),
    /* 3 gather       */ parts.steps.gather,
    /* 4 decide       */ parts.steps.decide,
    /* 5 record       */ parts.steps.record,
    /* 6 act          */ actStep(parts),
    /* 7 observe      */ observeWhenFinished(parts),
  ];
}
