/** What tasks were given and have read, with what the target files say of operations and their arguments. */
import { argumentRoles } from '../catalogue/argument-roles.ts';
import type { Config, TargetConfig } from '../config/config.ts';
import type { BodyForm } from '../config/http-operation.ts';
import { resultLabels } from '../config/labels.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';
import { createPromptSeal, type PromptSeal } from '../provenance/prompt-seal.ts';
import { createTaskSources, type OperationSources, type TaskSources } from '../provenance/task-sources.ts';
import type { DefinitionStore, TrailStore } from '../store/ports.ts';

const MIB = 2 ** 20;
/** Of memory, for what one tree of tasks has read, and for all of them. */
const CAP = { task: 64 * MIB, all: 512 * MIB };

export type OpenTaskSources = { sources: TaskSources; promptSeal: PromptSeal };

export function openTaskSources(
  config: Pick<Config, 'targets'>,
  wiring: {
    store: TrailStore & DefinitionStore;
    keys: SealingKeys;
    onProblem: (error: unknown, about: string) => void;
  },
): OpenTaskSources {
  const { store, keys } = wiring;
  const promptSeal = createPromptSeal(keys, wiring.onProblem);
  const sources = createTaskSources({
    store,
    operation: operationSources(config.targets, store),
    openPrompt: (task, sealed) => promptSeal.open(task, sealed),
    cap: CAP,
  });
  return { sources, promptSeal };
}

const OPAQUE: ReadonlySet<BodyForm> = new Set(['raw', 'stream', 'websocket']);

/** Looked up for each action, and made once for each definition of an operation. */
export function operationSources(
  targets: readonly TargetConfig[],
  store: Pick<DefinitionStore, 'definition'>,
): (target: string, operation: string) => OperationSources {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const made = new Map<string, { digest: string | undefined; sources: OperationSources }>();
  return (name, operation) => {
    const target = byName.get(name);
    const known = target !== undefined && Object.hasOwn(target.operations, operation);
    const pin = known ? store.definition(name, operation) : undefined;
    const id = known ? `${name}:${operation}` : `${name}:`;
    const before = made.get(id);
    if (before !== undefined && before.digest === pin?.digest) return before.sources;
    const config = known ? target.operations[operation] : undefined;
    const sources: OperationSources = {
      results: resultLabels(config?.labels, target?.labels),
      roles: pin === undefined ? {} : argumentRoles(inputSchema(pin.definition)),
      byPlace: target?.kind === 'http',
      opaque: OPAQUE.has(config?.http?.body ?? 'none'),
      targets: config?.targets ?? [],
      content: config?.content ?? [],
    };
    made.set(id, { digest: pin?.digest, sources });
    return sources;
  };
}

function inputSchema(definition: string): JsonObject | undefined {
  const { inputSchema: schema } = JSON.parse(definition) as JsonObject;
  return isJsonObject(schema) ? schema : undefined;
}
