import { createHash } from 'node:crypto';
import type { TargetConfig } from '../../config/config.ts';
import { InvalidConfig, NotFound, RemitError, UseDpopNonce } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { UNKNOWN_PEER, type Peer } from '../../identity/peer.ts';
import type { TargetCaller } from '../../lease/target-call.ts';
import { ERROR_TABLE } from '../../server/error-table.ts';
import { runPipeline } from '../pipeline.ts';
import { parseResourceTemplate, type ResourceTemplate } from '../resource-template.ts';
import { toResponse, type McpAnswer } from './answer.ts';
import { checkOrigin } from './check-origin.ts';
import { errorAnswer } from './failure.ts';
import { introspectTarget } from './introspect.ts';
import { openMcpCaller } from './own-caller.ts';
import type { McpGatewayDeps, McpParts } from './parts.ts';
import { mcpPipeline } from './pipeline.ts';
import type { McpExchange } from './request.ts';
import { createSessions } from './sessions.ts';
import { createTaskUpstreams, type Bearer } from './task-upstreams.ts';

export type McpGateway = {
  /** Serves one HTTP request to `<publicUrl>/mcp/<target>`, from `peer`. Never rejects. */
  fetch(request: Request, target: string, peer?: Peer): Promise<Response>;
  /**
   * Looks at a target over a connection of its own, and pins what it sees for the first time.
   *
   * @throws NotFound for an unknown target; UpstreamFailed, UpstreamTimeout or TooLarge when it does not answer.
   */
  introspect(target: string): Promise<{ server: JsonObject; tools: JsonObject[] }>;
  /**
   * Calls of Remit's own at a target: to take back what a task has minted.
   *
   * @throws NotFound for an unknown target; UpstreamFailed, UpstreamTimeout or TooLarge when it does not answer.
   */
  openCaller(target: string, bearer?: Bearer): Promise<TargetCaller>;
  /** Cuts everything that is under way, and waits until every process of a target has gone. */
  close(): Promise<void>;
};

/**
 * The MCP policy enforcement point: message by message, for revisions up to 2025-11-25 and 2026-07-28.
 *
 * @throws InvalidConfig for a resource template that is none.
 */
export function createMcpGateway(deps: McpGatewayDeps): McpGateway {
  const parts: McpParts = {
    ...deps,
    sha256: (text) => createHash('sha256').update(text, 'utf8').digest('hex'),
    templates: parseTemplates(deps.targets),
  };
  const upstreams = createTaskUpstreams(parts);
  const sessions = createSessions(parts);
  const steps = mcpPipeline(upstreams, sessions, parts);

  async function answer(request: Request, name: string, peer: Peer): Promise<McpAnswer> {
    const challenge = { publicUrl: parts.publicUrl, target: name, certified: peer.certificate !== null };
    const target = parts.targets.get(name);
    if (target === undefined) return errorAnswer(new NotFound('the target is unknown'), challenge);
    const foreign = checkOrigin(request, parts);
    if (foreign !== null) return foreign;
    const exchange: McpExchange = {
      id: parts.newId('req'),
      receivedAt: parts.clock(),
      request: { http: request, peer, target },
      signal: request.signal,
    };
    try {
      return await runPipeline(steps, exchange);
    } catch (error) {
      const fields = { err: error, request: exchange.id, target: name };
      const unproven = error instanceof RemitError && ERROR_TABLE[error.code].status === 401;
      if (unproven && !(error instanceof UseDpopNonce)) {
        parts.refused({ target: name, error, source: peer.address });
      }
      if (error instanceof RemitError) parts.log.info(fields, 'a request was refused');
      else parts.log.error(fields, 'a request failed');
      return errorAnswer(error, challenge, exchange.request.call?.message.id ?? null);
    }
  }

  return {
    fetch: async (request, target, peer = UNKNOWN_PEER) => toResponse(await answer(request, target, peer)),
    introspect: async (name) => {
      const target = parts.targets.get(name);
      if (target === undefined) throw new NotFound(`target \`${name}\` is unknown`);
      return introspectTarget(target, upstreams, parts);
    },
    openCaller: async (name, bearer) => {
      const target = parts.targets.get(name);
      if (target === undefined) throw new NotFound(`target \`${name}\` is not configured any more`);
      return openMcpCaller(target, upstreams, parts, bearer);
    },
    close: async () => {
      parts.live.cutAll('remit is shutting down');
      await upstreams.gone();
    },
  };
}

/** @throws InvalidConfig naming target and operation. */
function parseTemplates(targets: ReadonlyMap<string, TargetConfig>): McpParts['templates'] {
  return new Map([...targets].map(([name, { operations }]) => [name, templatesOf(name, operations)]));
}

function templatesOf(target: string, operations: TargetConfig['operations']): Map<string, ResourceTemplate[]> {
  const parsed = new Map<string, ResourceTemplate[]>();
  for (const [operation, { resources = [] }] of Object.entries(operations)) {
    try {
      parsed.set(operation, resources.map(parseResourceTemplate));
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const where = `target \`${target}\`, operation \`${operation}\`, \`resources\``;
      throw new InvalidConfig(`${where}: ${cause.message}`, { cause });
    }
  }
  return parsed;
}
