import type { IncomingMessage } from 'node:http';
import { TooLarge, UpstreamFailed } from '../../../core/errors.ts';
import type { Strip } from '../../../credential/strip.ts';
import { readMessage } from '../message.ts';
import { readEvents, type SseEvent } from '../sse.ts';
import type { Reply } from './channel.ts';

/** INVARIANT 7: what comes back has lost the credential before anything looks at it. */
export async function replyOf(response: IncomingMessage, limit: number, strip: Strip): Promise<Reply> {
  const status = response.statusCode ?? 0;
  const type = response.headers['content-type'] ?? '';
  if (status === 200 && type.startsWith('text/event-stream')) {
    const bytes = stripped(failingAsUpstream(response), strip);
    return { status, form: 'stream', events: limited(readEvents(bytes, limit), limit) };
  }
  const text = strip.text(await readText(response, limit));
  // An error of the protocol travels as JSON-RPC in a 4xx; the client must see it as it is.
  if (isJsonRpc(text)) return { status, form: 'json', events: one({ data: text }) };
  checkStatus(response);
  throw new UpstreamFailed('the target answered with something that is not JSON-RPC', {
    refused: REFUSING.has(status),
  });
}

/** RFC 9110, section 15.5, and RFC 6585: the server has not carried the request out. Others of 4xx may say otherwise. */
const REFUSING: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 421, 429, 431]);

export function checkStatus(response: IncomingMessage): number {
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400)
    throw new UpstreamFailed('the target answered with a redirect, which is not followed');
  if (status === 401 || status === 403) {
    throw new UpstreamFailed('the target refused the credential that remit holds for it; ask an operator to check it', {
      refused: true,
    });
  }
  if (status >= 500) throw new UpstreamFailed(`the target answered with status ${status}`);
  return status;
}

async function readText(response: IncomingMessage, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of failingAsUpstream(response)) {
    size += chunk.length;
    if (size > limit) throw new TooLarge(`the target answered with more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* stripped(chunks: AsyncIterable<Uint8Array>, strip: Strip): AsyncGenerator<Uint8Array> {
  const stripper = strip.begin();
  for await (const chunk of chunks) yield stripper.write(chunk);
  yield stripper.end();
}

async function* failingAsUpstream(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (cause) {
    throw new UpstreamFailed('the target broke its answer off', { cause });
  } finally {
    response.destroy();
  }
}

async function* limited(events: AsyncIterable<SseEvent>, limit: number): AsyncGenerator<SseEvent> {
  try {
    yield* events;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TooLarge(`the target answered with more than ${limit} bytes`, { cause: error });
  }
}

async function* one(event: SseEvent): AsyncGenerator<SseEvent> {
  yield event;
}

function isJsonRpc(text: string): boolean {
  try {
    return readMessage(JSON.parse(text)) !== null;
  } catch {
    return false;
  }
}
