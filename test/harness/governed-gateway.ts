import { refuse } from '../../src/gateway/mcp/refuse.ts';
import { createAnswered } from '../../src/approval/answered.ts';
import type { McpAnswer } from '../../src/gateway/mcp/answer.ts';
import { createMcpGateway, type McpGateway } from '../../src/gateway/mcp/gateway.ts';
import type { McpRequest } from '../../src/gateway/mcp/request.ts';
import { decideStep } from '../../src/gateway/steps/decide.ts';
import { gatherStep } from '../../src/gateway/steps/gather.ts';
import { listable } from '../../src/gateway/steps/listable.ts';
import { observeStep } from '../../src/gateway/steps/observe.ts';
import type { StepParts } from '../../src/gateway/steps/parts.ts';
import { recordStep } from '../../src/gateway/steps/record.ts';
import { ISSUER, type ControlPlane } from '../fixtures/control-plane.ts';

/** The MCP gateway over a control plane in the same process, put together as the program does it. */
export function createGovernedGateway(plane: ControlPlane): McpGateway {
  const { store, parts, live } = plane;
  const { pdp, referee, fresh, suspension, clock, newId, sha256 } = parts.tokens;
  const steps: StepParts = {
    store,
    pdp,
    referee,
    fresh,
    suspension,
    clock,
    newId,
    sha256,
    approvalLifetimeMs: 300_000,
    onFault: (error) => void plane.faults.push(error),
  };
  return createMcpGateway({
    targets: parts.targets,
    publicUrl: ISSUER,
    authenticate: (request, audience) => parts.authenticator.authenticate(request, audience),
    steps: {
      gather: gatherStep<McpRequest, McpAnswer>(steps),
      decide: decideStep<McpRequest, McpAnswer>(steps),
      record: recordStep<McpRequest, McpAnswer>(steps, (exchange) => refuse(exchange, ISSUER)),
      observe: observeStep<McpRequest, McpAnswer>(steps),
    },
    listable: (caller, target, operation) => listable(caller, target, operation, steps),
    definitions: store,
    processes: store,
    live,
    answered: createAnswered(store),
    readSecret: (source) => ('value' in source ? source.value : ''),
    clock,
    newId,
    log: { info: () => {}, warn: () => {}, error: (fields) => void plane.faults.push(fields) },
    refused: () => {},
    maxBodyBytes: 64 * 1024,
  });
}
