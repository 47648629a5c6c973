import type { TargetConfig } from '../../config/config.ts';
import { NotFound, RemitError } from '../../core/errors.ts';
import type { Peer } from '../../identity/peer.ts';
import { runPipeline } from '../pipeline.ts';
import { errorProblem, isTurnedAway } from '../problem.ts';
import { openAskedTarget } from './asked-target.ts';
import type { AuthzenParts } from './parts.ts';
import { authzenPipeline } from './pipeline.ts';
import type { AuthzenExchange, Endpoint } from './request.ts';

export type AuthzenGateway = {
  /**
   * Serves a call of an endpoint: of the decision point of one target, or with `target` `null` of that of the whole server,
   * where the access token says for which target it is. Never rejects.
   */
  fetch(request: Request, at: { endpoint: Endpoint; target: string | null }, peer: Peer): Promise<Response>;
};

export type AuthzenGatewayDeps = Omit<AuthzenParts, 'targets'> & { targets: ReadonlyMap<string, TargetConfig> };

/** Longer ones, and such as could not stand in a header, are of no use to whoever looks for them. */
const REQUEST_ID = /^[\x21-\x7e]{1,256}$/;

/**
 * The AuthZEN policy enforcement point: OpenID AuthZEN Authorization API 1.0 (Final, January 2026), for systems that carry out
 * by themselves what is permitted.
 *
 * @throws InvalidConfig for a template that is none.
 */
export function createAuthzenGateway(deps: AuthzenGatewayDeps): AuthzenGateway {
  const targets = new Map([...deps.targets].map(([name, config]) => [name, openAskedTarget(config)]));
  const parts: AuthzenParts = { ...deps, targets };
  const steps = authzenPipeline(parts);

  async function answer(
    http: Request,
    { endpoint, target }: { endpoint: Endpoint; target: string | null },
    peer: Peer,
  ): Promise<{ status: number; headers: Record<string, string>; body: string }> {
    const id = parts.steps.newId('req');
    try {
      const named = target === null ? null : targets.get(target);
      if (named === undefined) throw new NotFound('the target is unknown');
      const exchange: AuthzenExchange = {
        id,
        receivedAt: parts.steps.clock(),
        request: { http, endpoint, peer, named },
        signal: http.signal,
      };
      const body = JSON.stringify(await runPipeline(steps, exchange));
      return { status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' }, body };
    } catch (error) {
      const fields = { err: error, request: id, target };
      if (isTurnedAway(error)) parts.refused({ target, error, source: peer.address });
      if (error instanceof RemitError) parts.log.info(fields, 'a request was refused');
      else parts.log.error(fields, 'a request failed');
      const resourceMetadata =
        target === null ? null : `${parts.publicUrl}/.well-known/oauth-protected-resource/authzen/${target}`;
      return errorProblem(error, { resourceMetadata, certified: peer.certificate !== null });
    }
  }

  return {
    fetch: async (request, at, peer) => {
      const { status, headers, body } = await answer(request, at, peer);
      // Section 10.1.3: with it both sides find the call in their logs.
      const requestId = request.headers.get('x-request-id') ?? '';
      const echoed = REQUEST_ID.test(requestId) ? { 'x-request-id': requestId } : {};
      return new Response(body, { status, headers: { ...headers, ...echoed } });
    },
  };
}
