/** A gateway whose every decision is a permit and whose callers are all the same: for looking at the wire alone. */
import type { TargetConfig } from '../../src/config/config.ts';
import { deny } from '../../src/core/decide.ts';
import type { Decision } from '../../src/core/decision.ts';
import type { SpiffeId } from '../../src/core/spiffe-id.ts';
import { createLiveWork, type LiveWork } from '../../src/gateway/live.ts';
import { createMcpGateway, type McpGateway } from '../../src/gateway/mcp/gateway.ts';
import type { McpGatewayDeps } from '../../src/gateway/mcp/parts.ts';
import { refuse } from '../../src/gateway/mcp/refuse.ts';
import type { McpExchange, McpStep } from '../../src/gateway/mcp/request.ts';
import type { Caller } from '../../src/identity/caller.ts';
import type { DefinitionPin, DefinitionStore } from '../../src/store/ports.ts';

export type OpenGateway = {
  gateway: McpGateway;
  live: LiveWork;
  definitions: DefinitionStore;
  /** Exchanges in the order of their outcome. */
  observed: McpExchange[];
  ended: Set<string>;
};

export function createOpenGateway(targets: readonly TargetConfig[], given: Partial<McpGatewayDeps> = {}): OpenGateway {
  const ended = new Set<string>();
  const observed: McpExchange[] = [];
  const live = createLiveWork({ isLive: (taskId) => !ended.has(taskId) });
  const definitions = createMemoryDefinitions();
  let ids = 0;
  const gateway = createMcpGateway({
    targets: new Map(targets.map((target) => [target.name, target])),
    publicUrl: 'http://127.0.0.1:8080',
    // The header says which task calls, so that one gateway can be seen from several.
    authenticate: async ({ headers }) => callerOf(headers.get('x-test-task') ?? 'tsk_1'),
    steps: {
      gather: nothing('gather'),
      decide: {
        name: 'decide',
        run: (exchange) => {
          exchange.decision = decideOpenly(exchange, ended);
          return undefined;
        },
      },
      record: {
        name: 'record',
        run: (exchange) => {
          exchange.recordId = `rec_${++ids}`;
          const { decision } = exchange;
          return decision === undefined || decision.outcome === 'permit'
            ? undefined
            : refuse({ ...exchange, decision }, 'http://127.0.0.1:8080');
        },
      },
      observe: {
        name: 'observe',
        run: (exchange) => {
          observed.push(exchange);
          return undefined;
        },
      },
    },
    listable: () => true,
    definitions,
    processes: { processStarted: async () => {}, processGone: async () => {} },
    live,
    // Nothing is minted: its steps make no intents, and no handle is resolved.
    leases: {
      reveal: (value) => value,
      follow: () => undefined,
      answered: async (_, { whole }) => ({ whole }),
      screen: async (whole) => whole,
      hide: (_, text) => text,
    },
    tellTarget: async () => ({}),
    answered: async () => undefined,
    credential: () => null,
    readSecret: (source) => ('value' in source ? source.value : 'canary-of-the-target'),
    clock: () => 1_000,
    newId: (prefix) => `${prefix}_${++ids}`,
    log: { info: () => undefined, warn: () => undefined, error: (fields, message) => console.error(message, fields) },
    refused: () => undefined,
    maxBodyBytes: 1_000_000,
    ...given,
  });
  return { gateway, live, definitions, observed, ended };
}

/** Permits all that could be described and whose task has not ended. */
function decideOpenly({ action, caller }: McpExchange, ended: ReadonlySet<string>): Decision {
  if (ended.has(caller?.taskId ?? '')) {
    return deny({ code: 'task_not_live', message: 'the task has ended' }, 'sha256:0');
  }
  return action?.undescribed === undefined ? permit() : deny(action.undescribed, 'sha256:0');
}

function nothing(name: McpStep['name']): McpStep {
  return { name, run: () => undefined };
}

export function permit(): Decision {
  return {
    outcome: 'permit',
    reasons: [],
    policies: [],
    policySet: 'sha256:0',
    controls: [],
    approvers: [],
    observed: [],
    liftedByApproval: [],
  };
}

export function callerOf(taskId: string): Caller {
  const id = 'spiffe://example.test/agent' as SpiffeId;
  return {
    agent: { id, trustDomain: 'example.test', attestation: 'jwt-svid' },
    delegator: { issuer: 'https://idp.example', subject: 'ana', groups: [] },
    taskId,
    grants: [],
    token: { id: 'tok_1', key: 'thumbprint', issuedAt: 0, expiresAt: 1e12, binding: 'dpop' },
  };
}

/** The port in memory, without durability or records. */
export function createMemoryDefinitions(): DefinitionStore {
  const pins = new Map<string, DefinitionPin>();
  const keyOf = (target: string, operation: string): string => JSON.stringify([target, operation]);
  return {
    definition: (target, operation) => pins.get(keyOf(target, operation)),
    definitions: (target) => [...pins.values()].filter((pin) => pin.target === target),
    observeDefinition: async ({ target, operation, digest, definition }, records) => {
      const key = keyOf(target, operation);
      const known = pins.get(key);
      if (known === undefined) {
        pins.set(key, { target, operation, digest, definition });
        records('pinned');
        return 'pinned';
      }
      if (known.digest === digest) return 'unchanged';
      pins.set(key, { ...known, quarantined: { digest, definition } });
      records('changed');
      return 'changed';
    },
    acceptDefinition: async ({ target, operation, digest }) => {
      const key = keyOf(target, operation);
      const known = pins.get(key);
      if (known?.quarantined === undefined) return 'not_quarantined';
      if (known.quarantined.digest !== digest) return 'other_digest';
      pins.set(key, { target, operation, digest, definition: known.quarantined.definition });
      return 'accepted';
    },
  };
}
