import type { SecretSource } from '../../src/config/config.ts';
import type { HttpGateway } from '../../src/gateway/http/gateway.ts';
import type { Task } from '../../src/core/task.ts';
import type { McpGateway } from '../../src/gateway/mcp/gateway.ts';
import { createTellTarget } from '../../src/telemetry/tell-target.ts';
import { stepOutsideEnd } from '../../src/task/end.ts';
import type { HttpRequest } from '../../src/token/authenticate.ts';
import { openHttpGateway, type HttpGatewayWiring } from '../../src/wiring/http-gateway.ts';
import { openMcpGateway } from '../../src/wiring/mcp-gateway.ts';
import { ISSUER, type ControlPlane } from '../fixtures/control-plane.ts';
import { sourcesFor } from '../fixtures/task-sources.ts';

/** The MCP gateway over a control plane in the same process, put together as the program does it. */
export function createGovernedGateway(plane: ControlPlane): McpGateway {
  const gateway = openMcpGateway({ ...enforcement(plane), refused: () => {} });
  plane.caller.open = (target) => gateway.openCaller(target);
  return gateway;
}

/** The HTTP gateway likewise. */
export function createGovernedHttpGateway(
  plane: ControlPlane,
  given: Partial<Pick<HttpGatewayWiring, 'readSecret'>> = {},
): HttpGateway {
  const { refusals } = plane.parts;
  const refused: HttpGatewayWiring['refused'] = ({ target, ...refusal }) =>
    refusals.refused({ at: `/http/${target}`, ...refusal });
  const gateway = openHttpGateway({ ...enforcement(plane), ...given, refused });
  plane.caller.open = async (target) => gateway.openCaller(target, { task: null, agent: null, delegator: null });
  return gateway;
}

function enforcement(plane: ControlPlane) {
  const { store, parts, live } = plane;
  const { pdp, referee, fresh, suspension, clock, newId, sha256 } = parts.tokens;
  return {
    targets: parts.targets,
    publicUrl: ISSUER,
    authenticate: (request: HttpRequest, audience: string) => parts.authenticator.authenticate(request, audience),
    steps: {
      store,
      pdp,
      referee,
      fresh,
      suspension,
      sources: sourcesFor(store, [...parts.targets.values()]),
      leases: plane.ledger,
      clock,
      newId,
      sha256,
      approvalLifetimeMs: 300_000,
      endAutomated: (task: Task, why: string) =>
        plane.lifecycle.endUnasked(task, stepOutsideEnd(why)).then(() => undefined),
      onFault: (error: unknown) => void plane.faults.push(error),
    },
    live,
    tellTarget: createTellTarget({ key: parts.tokens.key, issuer: ISSUER, clock, sha256 }),
    credential: () => null,
    readSecret: (source: SecretSource) => ('value' in source ? source.value : ''),
    log: { info: () => {}, warn: () => {}, error: (fields: object) => void plane.faults.push(fields) },
    maxBodyBytes: 64 * 1024,
  };
}
