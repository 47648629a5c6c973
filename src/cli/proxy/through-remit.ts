import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Pool } from 'undici';
import type { ClientResponse } from '../../gateway/http/request.ts';
import type { AgentSession } from '../agent-session.ts';

/** A request of a client, by either version of HTTP. */
export type ClientRequest = {
  method: string;
  /** As over HTTP/1.1, names and values in turn. */
  rawHeaders: readonly string[];
  body: Readable;
};

/** Sends requests of clients to Remit, proven to be the agent's. */
export type ThroughRemit = {
  /** Sends it to `path` at Remit, and the answer back. Never rejects. */
  send(request: ClientRequest, response: ClientResponse, path: string): Promise<void>;
  close(): Promise<void>;
};

/** What a client says to the proxy or to the server that it means; Remit is told who calls in other words. */
const OWN_TO_THE_CLIENT =
  /^(?:host|authorization|dpop|cookie|connection|keep-alive|transfer-encoding|content-length|expect|proxy-.*)$/i;
const OF_THE_CONNECTION = /^(?:connection|keep-alive|transfer-encoding|location|dpop-nonce)$/i;

/** A body of at most this many bytes is kept until the answer, in case the proof has to be made again with a nonce. */
const MAX_KEPT = 1024 * 1024;

export function createThroughRemit(parts: {
  session: AgentSession;
  remitUrl: string;
  /** A redirect of Remit as the client knows where it leads. */
  location: (value: string) => string;
}): ThroughRemit {
  const { session, remitUrl, location } = parts;
  const pool = new Pool(remitUrl, { connections: 256, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });

  async function ask(request: ClientRequest, path: string, body: Buffer | Readable | null, signal: AbortSignal) {
    const { method, rawHeaders } = request;
    const proof = await session.prove(method, `${remitUrl}${path.split('?')[0]}`);
    const length = headerOf(rawHeaders, 'content-length');
    const framed = body instanceof Readable && length !== undefined ? ['content-length', length] : [];
    const headers = [...passedOn(rawHeaders), ...framed, ...Object.entries(proof).flat()];
    const answer = await pool.request({ method, path, headers, body, signal, responseHeaders: 'raw' });
    // Raw ones, as undici types them: an object.
    const raw = answer.headers as unknown as string[];
    const nonce = headerOf(raw, 'dpop-nonce');
    if (nonce !== undefined) session.heard(nonce);
    return { ...answer, raw, again: answer.statusCode === 401 && nonce !== undefined };
  }

  return {
    send: async (request, response, path) => {
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      try {
        const body = await bodyOf(request);
        let answer = await ask(request, path, body, gone.signal);
        if (answer.again && !(body instanceof Readable)) {
          answer.body.resume();
          answer = await ask(request, path, body, gone.signal);
        }
        response.writeHead(answer.statusCode, answered(answer.raw, location));
        response.flushHeaders();
        await pipeline(answer.body, response);
      } catch {
        if (response.headersSent) response.destroy();
        else response.writeHead(502, { 'content-type': 'text/plain' }).end('remit cannot be reached\n');
      }
    },
    close: () => pool.destroy(),
  };
}

function passedOn(raw: readonly string[]): string[] {
  const passed: string[] = [];
  for (let place = 0; place < raw.length; place += 2) {
    if (!OWN_TO_THE_CLIENT.test(raw[place]!)) passed.push(raw[place]!, raw[place + 1]!);
  }
  return passed;
}

function answered(raw: readonly string[], location: (value: string) => string): string[] {
  const passed: string[] = [];
  for (let place = 0; place < raw.length; place += 2) {
    const [name, value] = [String(raw[place]), String(raw[place + 1])];
    if (/^location$/i.test(name)) passed.push(name, location(value));
    else if (!OF_THE_CONNECTION.test(name)) passed.push(name, value);
  }
  return passed;
}

/** The first of a name. */
export function headerOf(raw: readonly string[], name: string): string | undefined {
  const place = raw.findIndex((each, at) => at % 2 === 0 && String(each).toLowerCase() === name);
  return place === -1 ? undefined : String(raw[place + 1]);
}

/** The body: whole when it is small and says so, a stream otherwise. */
async function bodyOf({ rawHeaders, body }: ClientRequest): Promise<Buffer | Readable | null> {
  const length = headerOf(rawHeaders, 'content-length');
  if (length === undefined) return headerOf(rawHeaders, 'transfer-encoding') === undefined ? null : body;
  if (Number(length) > MAX_KEPT) return body;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
