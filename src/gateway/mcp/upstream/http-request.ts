import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { UpstreamFailed } from '../../../core/errors.ts';
import type { ClientCertificate } from '../../../credential/credential.ts';
import type { Sending } from './channel.ts';

/**
 * Idle connections are given up well before servers commonly do (Node: 5 s). A request sent on a connection that the
 * server is just closing fails, and a tool call cannot be sent again by itself: it may have been carried out.
 */
const POOL = { keepAlive: true, timeout: 2_000 };
const agents = { 'http:': new HttpAgent(POOL), 'https:': new HttpsAgent(POOL) };
/** By client certificate, the most recently used last: a connection shows one, and is never used with another. */
const certified = new Map<string, HttpsAgent>();
const MAX_CERTIFIED = 32;

export type HttpRequest = {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
  tls: ClientCertificate | null;
};

/** Never follows a redirect: a 3xx is the answer. */
export function openRequest(
  { method, url, headers, body, tls }: HttpRequest,
  { signal, sent: onSent }: Pick<Sending, 'signal' | 'sent'>,
): Promise<IncomingMessage> {
  const { protocol } = new URL(url);
  const secure = protocol === 'https:';
  const bytes = body === null ? null : Buffer.from(body);
  const sent = bytes === null ? headers : { ...headers, 'content-length': String(bytes.length) };
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(toError(signal.reason));
    const agent = secure ? agentFor(tls) : agents['http:'];
    const request = (secure ? httpsRequest : httpRequest)(url, { method, headers: sent, agent });
    // Not `signal` of the request's options: that one outlives the request, on a socket that others use by then.
    const stop = (): void => void request.destroy();
    const release = (): void => signal.removeEventListener('abort', stop);
    signal.addEventListener('abort', stop, { once: true });
    if (onSent !== undefined) request.on('socket', (socket) => whenConnected(socket, secure, onSent));
    request.on('close', release);
    request.on('error', (cause) => {
      reject(signal.aborted ? toError(signal.reason) : new UpstreamFailed('the target cannot be reached', { cause }));
    });
    request.on('response', (response) => {
      // Read errors reach whoever reads; without a reader they must not end the process.
      response.on('error', () => undefined);
      resolve(response);
    });
    request.end(bytes ?? undefined);
  });
}

function agentFor(tls: ClientCertificate | null): HttpsAgent {
  if (tls === null) return agents['https:'];
  const agent = certified.get(tls.id) ?? new HttpsAgent({ ...POOL, cert: tls.cert, key: tls.key });
  certified.delete(tls.id);
  certified.set(tls.id, agent);
  // What is under way on its connections goes on; idle ones end by themselves.
  if (certified.size > MAX_CERTIFIED) certified.delete(certified.keys().next().value!);
  return agent;
}

/** Nothing of a request leaves before its connection stands; one of the pool may. */
function whenConnected(socket: Socket, secure: boolean, then: () => void): void {
  if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', then);
  else then();
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new UpstreamFailed('the call was stopped', { cause: reason });
}
