import { CredentialUnavailable } from '../../core/errors.ts';
import type { NamedCredential } from '../../credential/credential.ts';
import type { Departed, Departing } from './act-hooks.ts';
import type { HttpParts } from './parts.ts';
import { errorAnswer } from './problem.ts';
import { Relay } from './relay.ts';
import type { ApiCall, HttpExchange, HttpStep } from './request.ts';

/** Step 6: sends what was permitted, and passes the answer on as it comes. */
export function actStep(parts: HttpParts): HttpStep {
  return {
    name: 'act',
    run: async (exchange) => {
      const { call, target, response, peer } = exchange.request;
      const { taskId, token } = exchange.caller ?? {};
      if (call === undefined || typeof taskId !== 'string' || token === undefined) {
        throw new Error('a pipeline acts before it has described');
      }
      const { hooks, live, publicUrl, onStream } = parts;
      const departing = departingOf(call, exchange);
      const work = { taskId, tokenId: token.id, id: exchange.id, target: target.name };
      // A task that has just ended cuts within `attach`, before there is anything to detach.
      let detach = (): void => {};
      const relay: Relay = new Relay({
        response,
        target,
        publicUrl,
        url: departing.url,
        reading: (answer) => hooks.reading(exchange, answer),
        conceal: (answer) => hooks.conceal(answer, exchange),
        streamed: (answer) => hooks.streamed(exchange, answer),
        onStream: () => {
          onStream(exchange);
          detach();
          detach = live.attach({ ...work, kind: 'stream' }, (reason) => relay.cut(reason));
        },
        failed: (error) => {
          // What an operator has to look at, and the agent is not told.
          if (error instanceof CredentialUnavailable) {
            const { detail } = error;
            parts.log.warn({ detail, target: target.name, request: exchange.id }, 'a credential is not to be had');
          } else parts.log.info({ err: error, request: exchange.id, target: target.name }, 'a call failed');
          return errorAnswer(error, { publicUrl, target: target.name, certified: peer.certificate !== null });
        },
      });
      let credential: NamedCredential | undefined;
      const finished = relay.finished.then((outcome) =>
        credential === undefined ? outcome : { ...outcome, credential },
      );
      exchange.answer = { kind: 'passing', finished };
      detach = live.attach({ ...work, kind: 'call' }, (reason) => relay.cut(reason));
      void relay.finished.then(() => detach());
      if (exchange.intended !== undefined) hooks.follow(exchange.intended, relay.finished);
      try {
        const departed = await hooks.inject(await hooks.reveal(departing, exchange), exchange);
        credential = departed.named;
        relay.guard({ strip: hooks.strip(departed.secrets), onRefused: departed.onRefused });
        if (!relay.over) send(departed, relay, exchange, parts);
      } catch (error) {
        relay.fail(error);
      }
      return undefined;
    },
  };
}

function departingOf(call: ApiCall, { request }: HttpExchange): Departing {
  const { headers, path, body } = call;
  return {
    method: request.method,
    url: request.target.origin + path,
    // Nothing has to be decoded to be passed on, or to have a secret taken out of it.
    headers: { ...headers, 'accept-encoding': 'identity' },
    body,
  };
}

function send(departed: Departed, relay: Relay, { request }: HttpExchange, { upstreams }: HttpParts): void {
  const { method, url, headers, body, tls } = departed;
  const { target } = request;
  // Not through `URL`: what is sent is what was decided, byte for byte.
  const path = url.slice(target.origin.length);
  const stated = request.headers.get('content-length')?.[0];
  const length: Record<string, string> =
    body !== null && !(body instanceof Uint8Array) && stated !== undefined ? { 'content-length': stated } : {};
  upstreams.of(target, tls).dispatch({ method, path, headers: { ...headers, ...length }, body }, relay);
}
