import { Writable } from 'node:stream';
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { OF_A_CONNECTION } from './http2-headers.ts';

/** What a peer on the way could take for something about this connection; Node refuses to send it. */
const KEPT_BACK: ReadonlySet<string> = new Set([...OF_A_CONNECTION, 'http2-settings']);

/**
 * The answer to a request over HTTP/2, with what of `ServerResponse` an answer needs. It is there because of how Node's own
 * ends one early: it ends the stream as if all had been said, and then resets it, or resets it without an error.
 */
export class Http2Answer extends Writable {
  readonly req: { readonly complete: boolean };
  readonly #stream: ServerHttp2Stream;
  /** Node ends the stream with the headers where there is no body: HEAD, 204, 304. */
  #bodiless = false;

  constructor(stream: ServerHttp2Stream, req: { readonly complete: boolean }) {
    super();
    this.#stream = stream;
    this.req = req;
    // Who reads the answer hears of the end of the stream by `close`.
    this.on('error', () => undefined);
    stream.on('error', () => undefined);
    stream.once('close', () => this.destroy());
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  /** @param headers by name, or names and values in turn. */
  writeHead(status: number, headers: Readonly<Record<string, string | number>> | readonly string[]): this {
    if (this.#isGone) return this;
    const pairs = isFlat(headers) ? inPairs(headers) : Object.entries(headers);
    const fields = Object.create(null) as OutgoingHttpHeaders;
    for (const [spelt, value] of pairs) {
      const name = spelt.toLowerCase();
      if (KEPT_BACK.has(name)) continue;
      const known = fields[name];
      fields[name] = known === undefined ? String(value) : [known, String(value)].flat().map(String);
    }
    fields[':status'] = status;
    this.#stream.respond(fields);
    this.#bodiless = this.#stream.writableEnded;
    return this;
  }

  /** They leave as soon as they are written. */
  flushHeaders(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#bodiless) done();
    else if (this.#isGone) done(new Error('the client has gone'));
    else this.#stream.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#bodiless) done();
    else if (this.#isGone) done(new Error('the client has gone'));
    else this.#stream.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // With an error, or a half would pass for a whole: only so does Node neither end the stream nor reset it with NO_ERROR.
    if (!this.#stream.destroyed && !this.writableFinished) this.#stream.destroy(new Error('broken off'));
    // RFC 9113, section 8.1: what is left of the request need not come.
    else if (!this.#stream.closed && !this.req.complete) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    done(error);
  }

  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }
}

function isFlat(headers: object): headers is readonly string[] {
  return Array.isArray(headers);
}

function inPairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, place) => [flat[place * 2]!, flat[place * 2 + 1]!]);
}
