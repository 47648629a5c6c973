import type { Departing } from './act-hooks.ts';
import type { HttpParts } from './parts.ts';
import { errorAnswer } from './problem.ts';
import { Tunnel, type Upgrading } from './websocket.ts';
import type { ApiCall, HttpExchange } from './request.ts';
import { sendWhole } from './send.ts';

/** Step 6 for a WebSocket: the handshake is sent, and what it opens lasts as long as the task, at most. */
export async function openTunnel(
  exchange: HttpExchange,
  { call, upgrading }: { call: ApiCall; upgrading: Upgrading },
  parts: HttpParts,
): Promise<void> {
  const { target, response, peer, method } = exchange.request;
  const { caller } = exchange;
  if (caller?.taskId === null || caller === undefined) throw new Error('a pipeline acts before it has authenticated');
  const { hooks, publicUrl } = parts;
  const tunnel: Tunnel = new Tunnel(upgrading, (error) => {
    parts.log.info({ err: error, request: exchange.id, target: target.name }, 'a WebSocket did not open');
    const answer = errorAnswer(error, { publicUrl, target: target.name, certified: peer.certificate !== null });
    if (answer.kind === 'whole') sendWhole(response, answer);
  });
  exchange.answer = { kind: 'passing', finished: tunnel.finished };
  const work = { taskId: caller.taskId, tokenId: caller.token.id, id: exchange.id, target: target.name };
  const detach = parts.live.attach({ ...work, kind: 'stream' }, (reason) => tunnel.cut(reason));
  void tunnel.finished.then(() => detach());
  if (exchange.intended !== undefined) hooks.follow(exchange.intended, tunnel.finished);
  const departing: Departing = { method, url: target.origin + call.path, headers: call.headers, body: null };
  try {
    const departed = await hooks.inject(await hooks.reveal(departing, exchange), exchange);
    // Frames have lengths, so nothing is taken out but in place: what is no text is led through no more than that.
    const answer = { status: 101, headers: [] };
    tunnel.guard([hooks.strip(departed.secrets), ...hooks.streamed(exchange, answer)]);
    if (tunnel.over) return;
    const path = departed.url.slice(target.origin.length);
    const { headers, tls } = departed;
    parts.upstreams.of(target, tls).dispatch({ method, path, headers, upgrade: 'websocket' }, tunnel);
  } catch (error) {
    tunnel.fail(error);
  }
}
