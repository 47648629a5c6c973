import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TargetConfig } from '../../config/config.ts';
import { NotFound, RemitError } from '../../core/errors.ts';
import type { Peer } from '../../identity/peer.ts';
import type { TargetCaller } from '../../lease/target-call.ts';
import { runPipeline } from '../pipeline.ts';
import { isTurnedAway } from '../problem.ts';
import type { HttpAnswer } from './answer.ts';
import { openApiTarget } from './api-target.ts';
import { checkHost } from './check-host.ts';
import type { HttpParts } from './parts.ts';
import { openHttpCaller, type OwnCallerParts } from './own-caller.ts';
import { httpPipeline } from './pipeline.ts';
import { errorAnswer } from './problem.ts';
import { headersOf } from './request-headers.ts';
import { readRequestTarget, type RequestTarget } from './request-target.ts';
import type { HttpExchange } from './request.ts';
import { sendWhole } from './send.ts';

export type HttpGateway = {
  /**
   * Serves a request to `<publicUrl>/http/<target>/…`. `false`: it is for somebody else, and nothing was done to it.
   * A raw request, since a parsed one has lost what a request can hide.
   */
  handle(incoming: IncomingMessage, response: ServerResponse, peer: Peer): boolean;
  /** Whether a request wants to become a WebSocket of a target; all others are for `handle`, whatever they say. */
  upgrades(incoming: IncomingMessage): boolean;
  /** Serves such a request. */
  upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer, peer: Peer): void;
  /**
   * Calls of Remit's own at a target, with its credential as it is used for the bearer.
   *
   * @throws NotFound for an unknown target.
   */
  openCaller(target: string, bearer: OwnCallerParts['bearer']): TargetCaller;
  /** Ends all connections to targets. What is under way is cut before, by whoever holds `live`. */
  close(): Promise<void>;
};

export type HttpGatewayDeps = Omit<HttpParts, 'targets'> & { targets: ReadonlyMap<string, TargetConfig> };

/**
 * The HTTP policy enforcement point: requests to APIs that know one credential of their own and nothing of tasks.
 *
 * @throws InvalidConfig for a template that is none.
 */
export function createHttpGateway(deps: HttpGatewayDeps): HttpGateway {
  const targets = new Map([...deps.targets].map(([name, config]) => [name, openApiTarget(config)]));
  const parts: HttpParts = { ...deps, targets };
  const steps = httpPipeline(parts);

  async function answer(
    at: RequestTarget,
    on: Pick<HttpExchange['request'], 'incoming' | 'response' | 'peer' | 'upgrading'>,
  ): Promise<HttpAnswer> {
    const { incoming, peer } = on;
    const challenge = { publicUrl: parts.publicUrl, target: at.target, certified: peer.certificate !== null };
    const target = targets.get(at.target);
    if (target === undefined) return errorAnswer(new NotFound('the target is unknown'), challenge);
    const gone = new AbortController();
    const exchange: HttpExchange = {
      id: parts.newId('req'),
      receivedAt: parts.clock(),
      request: { ...on, at, target, method: incoming.method ?? '', headers: headersOf(incoming.rawHeaders) },
      signal: gone.signal,
    };
    on.response.once('close', () => {
      if (!on.response.writableFinished) gone.abort();
    });
    try {
      checkHost(exchange.request.headers, parts.publicUrl);
      return await runPipeline(steps, exchange);
    } catch (error) {
      const fields = { err: error, request: exchange.id, target: at.target };
      if (isTurnedAway(error)) parts.refused({ target: at.target, error, source: peer.address });
      if (error instanceof RemitError) parts.log.info(fields, 'a request was refused');
      else parts.log.error(fields, 'a request failed');
      return errorAnswer(error, challenge);
    }
  }

  return {
    handle: (incoming, response, peer) => {
      const at = readRequestTarget(incoming.url ?? '');
      if (at === null) return false;
      void answer(at, { incoming, response, peer }).then((given) => {
        if (given.kind === 'whole') sendWhole(response, given);
      });
      return true;
    },
    upgrades: ({ url, headers }) =>
      headers.upgrade?.toLowerCase() === 'websocket' && readRequestTarget(url ?? '') !== null,
    upgrade: (incoming, socket, head, peer) => {
      const at = readRequestTarget(incoming.url ?? '');
      // An answer other than a WebSocket ends the connection.
      const response = new ServerResponse(incoming);
      response.shouldKeepAlive = false;
      response.assignSocket(socket);
      response.once('finish', () => socket.end());
      if (at === null) return void response.writeHead(400).end();
      void answer(at, { incoming, response, peer, upgrading: { socket, head } }).then((given) => {
        if (given.kind === 'whole') sendWhole(response, given);
      });
    },
    openCaller: (name, bearer) => {
      const target = targets.get(name);
      if (target === undefined) throw new NotFound(`target \`${name}\` is not configured any more`);
      return openHttpCaller({ target, upstreams: parts.upstreams, inject: parts.inject, bearer });
    },
    close: () => parts.upstreams.close(),
  };
}
