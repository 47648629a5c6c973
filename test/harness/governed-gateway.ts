import type { McpGateway } from '../../src/gateway/mcp/gateway.ts';
import { openMcpGateway } from '../../src/wiring/mcp-gateway.ts';
import { ISSUER, type ControlPlane } from '../fixtures/control-plane.ts';

/** The MCP gateway over a control plane in the same process, put together as the program does it. */
export function createGovernedGateway(plane: ControlPlane): McpGateway {
  const { store, parts, live } = plane;
  const { pdp, referee, fresh, suspension, clock, newId, sha256 } = parts.tokens;
  const gateway = openMcpGateway({
    targets: parts.targets,
    publicUrl: ISSUER,
    authenticate: (request, audience) => parts.authenticator.authenticate(request, audience),
    steps: {
      store,
      pdp,
      referee,
      fresh,
      suspension,
      leases: plane.ledger,
      clock,
      newId,
      sha256,
      approvalLifetimeMs: 300_000,
      onFault: (error) => void plane.faults.push(error),
    },
    live,
    credential: () => null,
    readSecret: (source) => ('value' in source ? source.value : ''),
    log: { info: () => {}, warn: () => {}, error: (fields) => void plane.faults.push(fields) },
    refused: () => {},
    maxBodyBytes: 64 * 1024,
  });
  plane.caller.open = (target) => gateway.openCaller(target);
  return gateway;
}
