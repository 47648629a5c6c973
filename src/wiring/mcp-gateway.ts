/** The MCP gateway: its steps over the parts that every PEP shares. */
import { createAnswered } from '../approval/answered.ts';
import type { McpAnswer } from '../gateway/mcp/answer.ts';
import { createMcpGateway, type McpGateway } from '../gateway/mcp/gateway.ts';
import type { McpGatewayDeps } from '../gateway/mcp/parts.ts';
import { refuse } from '../gateway/mcp/refuse.ts';
import type { McpRequest } from '../gateway/mcp/request.ts';
import { decideStep } from '../gateway/steps/decide.ts';
import { gatherStep } from '../gateway/steps/gather.ts';
import { listable } from '../gateway/steps/listable.ts';
import { observeStep } from '../gateway/steps/observe.ts';
import type { StepParts } from '../gateway/steps/parts.ts';
import { recordStep } from '../gateway/steps/record.ts';
import type { Ledger } from '../lease/ledger.ts';
import type { DefinitionStore, ProcessStore } from '../store/ports.ts';

export type McpGatewayWiring = Omit<
  McpGatewayDeps,
  'steps' | 'listable' | 'definitions' | 'processes' | 'answered' | 'leases' | 'clock' | 'newId'
> & { steps: StepParts & { store: DefinitionStore & ProcessStore; leases: Ledger } };

export function openMcpGateway({ steps, ...deps }: McpGatewayWiring): McpGateway {
  const { store, clock, newId } = steps;
  return createMcpGateway({
    ...deps,
    targets: new Map([...deps.targets].filter(([, { kind }]) => kind === 'mcp')),
    steps: {
      gather: gatherStep<McpRequest, McpAnswer>(steps),
      decide: decideStep<McpRequest, McpAnswer>(steps),
      record: recordStep<McpRequest, McpAnswer>(steps, (exchange) => refuse(exchange, deps.publicUrl)),
      observe: observeStep<McpRequest, McpAnswer>(steps),
    },
    listable: (caller, target, operation) => listable(caller, target, operation, steps),
    definitions: store,
    processes: store,
    leases: steps.leases,
    answered: createAnswered(store),
    clock,
    newId,
  });
}
