import { actStep } from './act.ts';
import { authenticateStep } from './authenticate.ts';
import { describeStep } from './describe.ts';
import { observeWhenFinished } from './observe-when-finished.ts';
import type { McpParts } from './parts.ts';
import type { McpStep } from './request.ts';
import type { Sessions } from './sessions.ts';
import type { TaskUpstreams } from './task-upstreams.ts';

/** The way of one MCP request, in order. */
export function mcpPipeline(upstreams: TaskUpstreams, sessions: Sessions, parts: McpParts): readonly McpStep[] {
  // oxfmt-ignore
  return [
    /* 1 authenticate */ authenticateStep(parts),
    /* 2 describe     */ describeStep({ parts, sessions, upstreams }),
    /* 3 gather       */ parts.steps.gather,
    /* 4 decide       */ parts.steps.decide,
    /* 5 record       */ parts.steps.record,
    /* 6 act          */ actStep(upstreams, sessions, parts),
    /* 7 observe      */ observeWhenFinished(parts),
  ];
}
