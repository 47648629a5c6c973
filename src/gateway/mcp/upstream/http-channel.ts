import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { HttpUpstream, TargetConfig } from '../../../config/config.ts';
import { UpstreamFailed } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/json.ts';
import { isJsonObject } from '../../../core/json.ts';
import { injectedHeaders, injectedUrl, type Credential, type CredentialUse } from '../../../credential/credential.ts';
import { STRIP_NOTHING, stripOf, type Strip } from '../../../credential/strip.ts';
import type { RequestMessage } from '../message.ts';
import type { SseEvent } from '../sse.ts';
import type { Revision } from '../methods.ts';
import { createSeenDefinitions } from '../seen-definitions.ts';
import type { Channel, Reply, Sending } from './channel.ts';
import { checkStatus, replyOf } from './http-answer.ts';
import { openRequest } from './http-request.ts';

const ACCEPT = 'application/json, text/event-stream';
export type HttpChannelParts = {
  target: TargetConfig;
  upstream: HttpUpstream;
  /** Fixed headers, read at each request so that a rotated secret is picked up. */
  fixed: () => Record<string, string>;
  /** The target's credential, if it has one of another form, and whom it is used for. */
  credential: Credential | null;
  bearer: Pick<CredentialUse, 'task' | 'agent' | 'delegator'>;
};

/** An answer, and what takes the credential out of it that the request had. */
type Answered = { response: IncomingMessage; strip: Strip };

/** A Streamable HTTP upstream: each message is one POST, with the revision of the client. */
export function createHttpChannel(revision: Revision, parts: HttpChannelParts): Channel {
  const closing = new AbortController();
  let sessionId: string | null = null;
  let version: string | null = null;
  let policySet: string | null = null;

  function headers(how: Sending): Record<string, string> {
    return {
      accept: ACCEPT,
      ...(revision === 'session' && version !== null ? { 'mcp-protocol-version': version } : {}),
      ...how.headers,
      ...(sessionId === null ? {} : { 'mcp-session-id': sessionId }),
      'accept-encoding': 'identity',
      // The target's credential goes last: nothing of the client's can take its place.
      ...parts.fixed(),
    };
  }

  async function open(
    method: string,
    plain: Record<string, string>,
    body: string | null,
    how: Sending,
  ): Promise<Answered> {
    const { credential, bearer, target } = parts;
    const { url } = parts.upstream;
    if (credential === null) {
      const response = await openRequest({ method, url, headers: plain, body, tls: null }, how);
      return { response, strip: STRIP_NOTHING };
    }
    // What belongs to no request of its own goes by the permit of the last one.
    policySet = how.policySet ?? policySet;
    const bodyDigest = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const outgoing = { method, url, headers: plain, bodyDigest };
    const use = { ...bearer, target: target.name, policySet, signal: how.signal };
    const injection = await credential.inject(outgoing, use);
    how.injected?.(injection.named);
    const response = await openRequest(
      {
        method,
        url: injectedUrl(url, injection),
        headers: injectedHeaders(plain, injection),
        body,
        tls: injection.tls,
      },
      how,
    );
    if (response.statusCode === 401) credential.refused(injection);
    return { response, strip: stripOf(injection.secrets) };
  }

  function post(message: JsonObject, how: Sending): Promise<Answered> {
    return open('POST', { ...headers(how), 'content-type': 'application/json' }, JSON.stringify(message), how);
  }

  async function request(message: RequestMessage, how: Sending): Promise<Reply> {
    const { response, strip } = await post(message, how);
    const limit = parts.target.maxAnswerBytes;
    if (message.method !== 'initialize') {
      if (response.statusCode === 404 && sessionId !== null) throw lost(response);
      return replyOf(response, limit, strip);
    }
    const given = response.headers['mcp-session-id'];
    if (typeof given === 'string') sessionId = given;
    const reply = await replyOf(response, limit, strip);
    return { ...reply, events: noteVersion(reply.events) };
  }

  /** 2025-11-25: 404 ends a session; the client's ends with it, so that it begins another. */
  function lost(response: IncomingMessage): Error {
    response.resume();
    const error = new UpstreamFailed('the target has ended the session; initialize again', { refused: true });
    sessionId = null;
    closing.abort(error);
    return error;
  }

  async function* noteVersion(events: AsyncIterable<SseEvent>): AsyncGenerator<SseEvent> {
    for await (const event of events) {
      version ??= negotiatedVersion(event.data);
      yield event;
    }
  }

  return {
    revision,
    takesAnswers: revision === 'session',
    seen: createSeenDefinitions(),
    asked: new Set(),
    waiting: new Map(),
    closed: closing.signal,
    request,
    send: async (message, how) => {
      const { response } = await post(message, how);
      response.resume();
      return checkStatus(response);
    },
    listen: async (lastEventId, signal) => {
      const resumed: Record<string, string> = lastEventId === null ? {} : { 'last-event-id': lastEventId };
      const sent = { ...headers({ signal, headers: resumed }), accept: 'text/event-stream' };
      const { response, strip } = await open('GET', sent, null, { signal });
      if (response.statusCode !== 200) {
        response.resume();
        checkStatus(response);
        return null;
      }
      return replyOf(response, parts.target.maxAnswerBytes, strip);
    },
    close: async (reason) => {
      if (closing.signal.aborted) return;
      const sent = sessionId === null ? null : headers({ signal: closing.signal });
      closing.abort(new UpstreamFailed(reason));
      if (sent === null) return;
      const patience = AbortSignal.timeout(2000);
      // Politeness only: the session is out of use here whatever the upstream says to it.
      await open('DELETE', sent, null, { signal: patience }).then(
        ({ response }) => void response.resume(),
        () => undefined,
      );
    },
  };
}

function negotiatedVersion(data: string): string | null {
  if (!data.includes('"protocolVersion"')) return null;
  try {
    const message: unknown = JSON.parse(data);
    const result = isJsonObject(message) ? message['result'] : undefined;
    return isJsonObject(result) && typeof result['protocolVersion'] === 'string' ? result['protocolVersion'] : null;
  } catch {
    return null;
  }
}
