import { createHash } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import type { BodyForm } from '../../config/http-operation.ts';
import { InvalidRequest, TooLarge } from '../../core/errors.ts';
import type { JsonValue } from '../../core/json.ts';
import { parseStrictly } from './json-text.ts';
import { readFields } from './query.ts';
import { releaseBuffers } from './release-buffers.ts';
import type { Framing } from './request-headers.ts';

/** A body on its way: what is sent, how it is called, and what a decision sees of it. */
export type RequestBody = {
  sent: Uint8Array | Readable | null;
  contentType: string | null;
  /** The argument `body`; absent without a body. */
  argument?: JsonValue;
};

export type Incoming = { stream: Readable; framing: Framing; contentType: string | undefined };

const NONE: RequestBody = { sent: null, contentType: null };

/**
 * The body of a request, in the form that its operation has.
 *
 * @throws InvalidRequest, TooLarge
 */
export async function readRequestBody(incoming: Incoming, form: BodyForm, maxBytes: number): Promise<RequestBody> {
  const { framing, contentType } = incoming;
  if (framing.kind === 'none') return NONE;
  switch (form) {
    case 'none':
      throw new InvalidRequest('the operation takes no body');
    case 'json': {
      const type = checkType(contentType, JSON_TYPE, '`application/json`');
      const bytes = await readAll(incoming, maxBytes);
      return { sent: bytes, contentType: type, argument: parseStrictly(bytes) };
    }
    case 'form': {
      const type = checkType(contentType, FORM_TYPE, '`application/x-www-form-urlencoded`');
      const bytes = await readAll(incoming, maxBytes);
      const text = bytes.toString('latin1');
      return { sent: bytes, contentType: type, argument: text === '' ? {} : readFields(text, 'the body') };
    }
    case 'raw': {
      const type = checkType(contentType, ANY_TYPE, 'a media type');
      const bytes = await readAll(incoming, maxBytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { sent: bytes, contentType: type, argument: { type, bytes: bytes.length, sha256 } };
    }
    case 'stream': {
      const type = checkType(contentType, ANY_TYPE, 'a media type');
      const bytes = framing.kind === 'length' ? framing.bytes : null;
      incoming.stream.on('data', (chunk: Buffer) => releaseBuffers(chunk.length));
      return {
        // Whoever ends this stream ends no connection of the agent's.
        sent: incoming.stream.pipe(new PassThrough()),
        contentType: type,
        argument: { type, bytes, unread: true },
      };
    }
  }
}

/** Charsets other than UTF-8 would be read as something else by the target than here; other parameters have no meaning. */
const JSON_TYPE = /^application\/(?:[a-z0-9.-]+\+)?json(?:\s*;\s*charset=(?:utf-8|"utf-8"))?$/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded(?:\s*;\s*charset=(?:utf-8|"utf-8"))?$/i;
const ANY_TYPE = /^[\w.+-]+\/[\w.+-]+(?:\s*;\s*[\w-]+=(?:[\w.'+/:=?-]+|"[\x20\x21\x23-\x5b\x5d-\x7e]*"))*$/;

function checkType(given: string | undefined, form: RegExp, expected: string): string {
  if (given !== undefined && form.test(given)) return given;
  throw new InvalidRequest(
    `the \`Content-Type\` of the body has to be ${expected}${form === ANY_TYPE ? '' : ' in UTF-8'}`,
  );
}

/** The whole body; of one that is too large no more is read than the limit. */
async function readAll({ stream, framing }: Incoming, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new TooLarge(`the body is larger than ${maxBytes} bytes`);
  if (framing.kind === 'length' && framing.bytes > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) return void chunks.push(chunk);
      stream.removeAllListeners('data');
      stream.pause();
      reject(tooLarge());
    });
    stream.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    stream.once('error', (cause) => reject(new InvalidRequest('the body was broken off', { cause })));
    stream.once('close', () => reject(new InvalidRequest('the body was broken off')));
  });
}
