import type { Grant } from '../core/grant.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../core/json.ts';
import { matchesPattern } from '../core/resource.ts';
import { sensitivityLevel, type Sensitivity } from '../core/sensitivity.ts';
import type { Task } from '../core/task.ts';
import { covers, type ActionUse } from './usage.ts';

/** A profile as its file has it. */
export type ProposedProfile = {
  name: string;
  version: 1;
  description: string;
  agents: string[];
  grant: Grant[];
  sensitivity: Sensitivity;
  minutes: number;
  budget: { calls: number; operations: Record<string, number> };
  max_hops: number;
};

/** More names than that become the patterns that they came under. */
const MOST_NAMES = 20;

/**
 * The narrowest profile under which all of this could have been done; `null` when nothing was. INVARIANT 3: each of its grants
 * is within one that the tasks had.
 */
export function proposedProfile(tasks: readonly Task[], uses: readonly ActionUse[]): ProposedProfile | null {
  if (uses.length === 0) return null;
  const perTask = [...Map.groupBy(uses, ({ task }) => task).values()];
  const operations = [...new Set(uses.map(({ target, operation }) => `${target}:${operation}`))].toSorted();
  const most = (counted: (use: ActionUse) => boolean) => Math.max(...perTask.map((own) => own.filter(counted).length));
  const started = new Map(tasks.map(({ id, createdAt }) => [id, createdAt]));
  const lives = uses.map(({ task, at }) => at - (started.get(task) ?? at));
  const agents = [...new Set(tasks.map(({ agent }) => agent.id))].toSorted();
  return {
    name: nameOf(agents[0]!),
    version: 1,
    description: `what ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'} did, and no more; review it before use`,
    agents,
    grant: mergedGrants(operations.flatMap((id) => grantsFor(id, tasks, uses))),
    sensitivity: uses
      .map(({ sensitivity }) => sensitivity)
      .reduce((highest, next) => (sensitivityLevel(next) > sensitivityLevel(highest) ? next : highest)),
    minutes: Math.max(1, Math.ceil(Math.max(...lives) / 60_000)),
    budget: {
      calls: most(() => true),
      operations: Object.fromEntries(
        operations.map((id) => [id, most(({ target, operation }) => `${target}:${operation}` === id)]),
      ),
    },
    max_hops: Math.max(...uses.map(({ depth }) => depth)),
  };
}

function nameOf(agent: string): string {
  const last = agent
    .split('/')
    .at(-1)!
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-');
  return `${/^[a-z]/.test(last) ? last : `agent-${last}`}-used`.slice(0, 63);
}

type OneOperation = { target: string; operation: string; resources?: string[]; schema?: JsonObject };

/** What was done by one operation, for each schema of arguments that it came under. */
function grantsFor(id: string, tasks: readonly Task[], uses: readonly ActionUse[]): OneOperation[] {
  const grants = tasks.flatMap(({ grant }) => grant);
  const done = uses.flatMap((use) => {
    const grant = `${use.target}:${use.operation}` === id ? grants.find((each) => covers(each, use)) : undefined;
    return grant === undefined ? [] : [{ use, grant }];
  });
  const bySchema = Map.groupBy(done, ({ grant }) => canonicalJson(grant.arguments ?? null));
  return [...bySchema.values()].map((own): OneOperation => {
    const { target, operation } = own[0]!.use;
    const schema = own[0]!.grant.arguments;
    const names = [...new Set(own.flatMap(({ use }) => use.resources))].toSorted();
    const patterns = [...new Set(own.flatMap(({ grant }) => grant.resources ?? []))];
    // A name that would be read as a pattern or a placeholder stands for more than itself.
    const plain = names.length <= MOST_NAMES && names.every((name) => !/[*{}]/.test(name));
    const resources = plain ? names : patterns.filter((each) => names.some((name) => matchesPattern(each, name)));
    const unbound = own.some(
      ({ use, grant }) => use.resources.length === 0 || (!plain && grant.resources === undefined),
    );
    return {
      target,
      operation,
      ...(resources.length === 0 || unbound ? {} : { resources }),
      ...(schema === undefined ? {} : { schema }),
    };
  });
}

/** Operations of one target on the same resources with the same arguments stand in one grant. */
function mergedGrants(all: readonly OneOperation[]): Grant[] {
  const alike = Map.groupBy(all, ({ target, resources, schema }) =>
    canonicalJson([target, resources ?? null, schema ?? null] as JsonValue),
  );
  return [...alike.values()].map((same): Grant => {
    const { target, resources, schema } = same[0]!;
    return {
      type: 'remit_grant',
      target,
      operations: same.map(({ operation }) => operation),
      ...(resources === undefined ? {} : { resources }),
      ...(schema === undefined ? {} : { arguments: schema }),
    };
  });
}
