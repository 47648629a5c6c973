import { createHash, type Hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { RemitError, TooLarge, UpstreamFailed, UpstreamTimeout } from '../../core/errors.ts';
import { STRIP_NOTHING, type Strip, type Stripper } from '../../credential/strip.ts';
import type { Outcome } from '../exchange.ts';
import type { Reading, WholeAnswer } from './act-hooks.ts';
import type { HttpAnswer } from './answer.ts';
import { answerHeaders } from './answer-headers.ts';
import type { ApiTarget } from './api-target.ts';
import { isText, KeptText } from './kept-text.ts';
import { problemAnswer } from './problem.ts';
import { asUpstream } from './relay-failure.ts';
import { releaseBuffers } from './release-buffers.ts';
import { endWith, sendWhole } from './send.ts';
import { decoded } from './whole-answer.ts';

/** An answer that is only screened goes on as it comes when it turns out to be larger than this. */
const MAX_SCREENED = 256 * 1024;

/** What is read whole is held in memory: no more than this unless the target file says otherwise. */
const MAX_WHOLE = 8 * 1024 * 1024;

export type RelayParts = {
  response: ServerResponse;
  target: ApiTarget;
  publicUrl: string;
  /** Where the request goes. */
  url: string;
  reading: (answer: Pick<WholeAnswer, 'status' | 'headers'>) => Reading;
  /** Of an answer that was read whole what the agent may see. */
  conceal: (answer: WholeAnswer) => Promise<WholeAnswer> | WholeAnswer;
  /** What an answer that goes on as it comes is led through. */
  streamed: (answer: Pick<WholeAnswer, 'status' | 'headers'>) => readonly Strip[];
  /** The answer is a stream of events, which ends when somebody ends it. */
  onStream: () => void;
  /** An error as an answer to the client. */
  failed: (error: unknown) => HttpAnswer;
};

/**
 * The way of one answer from a target to the agent, as it comes: the target is read no faster than the agent reads. What
 * ends it first decides its outcome: its own end, a fault of the target, or a cut.
 */
export class Relay implements Dispatcher.DispatchHandler {
  readonly finished: Promise<Outcome>;
  readonly #parts: RelayParts;
  #finish!: (outcome: Outcome) => void;
  #over = false;
  /** The request has gone out, or begun to. */
  #left = false;
  #controller: Dispatcher.DispatchController | null = null;
  #stopped: Error | null = null;
  #strip: Strip = STRIP_NOTHING;
  #onRefused: () => void = () => {};
  #strips: readonly Strip[] = [];
  #strippers: Stripper[] = [];
  #raw: readonly (readonly [string, string])[] = [];
  #hash: Hash = createHash('sha256');
  #status = 0;
  #bytes = 0;
  #reading: Reading = 'streamed';
  /** Of an answer that is read whole. */
  #chunks: Buffer[] | null = null;
  #headers: [string, string][] = [];
  #coding = '';
  #kept = new KeptText(false);
  #silence: NodeJS.Timeout | null = null;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.finished = promise;
    this.#finish = resolve;
    parts.response.on('close', () => {
      if (!parts.response.writableFinished) this.cut('the caller went away');
    });
  }

  get over(): boolean {
    return this.#over;
  }

  /** What must not come back, and who is told when the target does not take it. */
  guard({ strip, onRefused }: { strip: Strip; onRefused: () => void }): void {
    this.#strip = strip;
    this.#onRefused = onRefused;
  }

  /** Ends it from this side: the task has ended, or the caller has gone. */
  cut(reason: string): void {
    if (this.#over) return;
    this.#settle({ status: 'cut', detail: reason });
    this.#stop(new Error(reason));
    const title = 'Cut';
    this.#refuse(problemAnswer({ code: 'cut', title, status: 403, detail: `cut: ${reason}` }));
  }

  /** Ends it for a reason that the client may read when it is a `RemitError`. */
  fail(error: unknown): void {
    if (this.#over) return;
    const known = error instanceof RemitError;
    const refused = error instanceof UpstreamFailed && error.refused;
    this.#settle({
      status: 'failed',
      detail: known ? error.message : 'internal',
      ...(refused ? { nothingDone: true } : {}),
    });
    this.#stop(error instanceof Error ? error : new Error('failed'));
    this.#refuse(this.#parts.failed(error));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#stopped !== null) controller.abort(this.#stopped);
    else this.#left = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200 || this.#over) return;
    const raw = pairsOf(controller.rawHeaders);
    this.#status = status;
    // The agent would get the bytes of a coding that nothing here has looked behind (RFC 9112, section 7).
    if (raw.some(([name, value]) => name === 'transfer-encoding' && value.trim().toLowerCase() !== 'chunked'))
      return this.fail(new UpstreamFailed('the target encoded its answer in an unknown way'));
    // The target does not take the credential that Remit holds for it. To the agent that is no 401: its own token is good.
    if (status === 401 || status === 407) {
      this.#onRefused();
      const asked = 'the target refused the credential that remit holds for it; ask an operator to check it';
      return this.fail(new UpstreamFailed(asked, { refused: true }));
    }
    const { target, publicUrl, url } = this.#parts;
    this.#headers = answerHeaders(raw, { target, publicUrl, url });
    if (this.#strip !== STRIP_NOTHING)
      this.#headers = this.#headers.map(([name, value]) => [name, this.#strip.text(value)]);
    this.#reading = this.#parts.reading({ status, headers: this.#headers });
    this.#coding = raw
      .filter(([name]) => name === 'content-encoding')
      .map(([, value]) => value)
      .join(',');
    const type = raw.find(([name]) => name === 'content-type')?.[1];
    const encoded = this.#coding !== '' && this.#coding.toLowerCase() !== 'identity';
    // What is encoded hides what it holds: who has to look into it needs all of it.
    if (encoded && this.#reading === 'screened') this.#reading = 'whole';
    this.#raw = raw;
    this.#strips = [this.#strip, ...this.#parts.streamed({ status, headers: this.#headers })].filter(
      (strip) => strip !== STRIP_NOTHING,
    );
    // INVARIANT 7: what is left of a name without its secret is the name of something else.
    this.#headers = this.#headers.filter(([name]) => !this.#strips.some((strip) => strip.inName(name)));
    if (this.#reading === 'streamed') this.#stripHeaders();
    const whole = this.#reading !== 'streamed' || (encoded && this.#strips.length > 0);
    if (whole) this.#chunks = [];
    this.#kept = new KeptText((whole || !encoded) && isText(type));
    const limit = this.#limit;
    const stated = raw.find(([name]) => name === 'content-length')?.[1];
    if (stated !== undefined && Number(stated) > limit) return this.fail(tooLarge(limit));
    if (this.#chunks === null) this.#begin();
  }

  #begin(): void {
    const raw = this.#raw;
    const { response, onStream } = this.#parts;
    const isStream = raw.some(([name, value]) => name === 'content-type' && /^text\/event-stream\b/i.test(value));
    if (isStream) onStream();
    else this.#armSilence();
    if (this.#over) return;
    this.#strippers = this.#strips.map((strip) => strip.begin());
    response.writeHead(this.#status, this.#headers.flat());
    // An event that is waited for may be long in coming.
    if (isStream) response.flushHeaders();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#bytes += chunk.length;
    releaseBuffers(chunk.length);
    if (this.#bytes > this.#limit) return this.fail(tooLarge(this.#limit));
    if (this.#chunks !== null) {
      this.#chunks.push(chunk);
      if (this.#reading !== 'screened' || this.#bytes <= MAX_SCREENED) return;
      return this.#goOn(controller);
    }
    this.#silence?.refresh();
    this.#write(this.#stripped(chunk), controller);
  }

  /** INVARIANT 7: a header of what goes on as it comes loses what its body loses. */
  #stripHeaders(): void {
    this.#headers = this.#headers.map(([name, value]) => [
      name,
      this.#strips.reduce((text, strip) => strip.text(text), value),
    ]);
  }

  /** It is too large to be looked into as a whole: what came so far goes on, and the rest as it comes. */
  #goOn(controller: Dispatcher.DispatchController): void {
    const chunks = this.#chunks ?? [];
    this.#chunks = null;
    this.#reading = 'streamed';
    this.#stripHeaders();
    this.#begin();
    this.#write(this.#stripped(Buffer.concat(chunks)), controller);
  }

  #stripped(chunk: Uint8Array): Uint8Array {
    return this.#strippers.reduce((bytes, stripper) => stripper.write(bytes), chunk);
  }

  /** What the strippers have held back, each through those behind it. */
  #rest(): Uint8Array {
    return this.#strippers.reduce<Uint8Array>(
      (bytes, stripper) => Buffer.concat([stripper.write(bytes), stripper.end()]),
      new Uint8Array(0),
    );
  }

  #write(bytes: Uint8Array, controller: Dispatcher.DispatchController): void {
    if (bytes.length === 0) return;
    this.#hash.update(bytes);
    this.#kept.take(bytes);
    const { response } = this.#parts;
    if (response.write(bytes)) return;
    // The agent reads slowly: that is no silence of the target.
    controller.pause();
    this.#disarmSilence(false);
    response.once('drain', () => {
      if (this.#over) return;
      this.#silence?.refresh();
      controller.resume();
    });
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#over) return;
    if (this.#chunks !== null) {
      this.#passWhole(Buffer.concat(this.#chunks)).catch((error: unknown) => this.fail(error));
      return;
    }
    this.#write(this.#rest(), controller);
    this.#settle(this.#outcome());
    this.#parts.response.end();
  }

  async #passWhole(bytes: Buffer): Promise<void> {
    const { response, conceal } = this.#parts;
    const clear = await decoded(bytes, this.#coding, this.#limit);
    const headers = this.#headers.filter(([name]) => name !== 'content-encoding' && name !== 'content-length');
    // What is not looked into as a whole is led through what a stream would be.
    const asStream = this.#reading === 'streamed';
    this.#strippers = (asStream ? this.#strips : [this.#strip]).map((strip) => strip.begin());
    const body = Buffer.concat([this.#stripped(clear), this.#rest()]);
    const stripped = { status: this.#status, headers, body };
    const shown = asStream ? stripped : await conceal(stripped);
    if (this.#over) return;
    this.#hash.update(shown.body);
    this.#kept.take(shown.body);
    this.#bytes = shown.body.length;
    this.#settle(this.#outcome());
    response.writeHead(shown.status, [...shown.headers.flat(), 'content-length', String(shown.body.length)]);
    endWith(response, shown.body);
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.fail(asUpstream(cause));
  }

  get #limit(): number {
    const { maxAnswerBytes } = this.#parts.target.config;
    // What is only screened is not held for longer than it is small.
    const held = this.#chunks !== null && this.#reading !== 'screened';
    return !held || Number.isFinite(maxAnswerBytes) ? maxAnswerBytes : MAX_WHOLE;
  }

  #outcome(): Outcome {
    const status = this.#status;
    const result = { status, bytes: this.#bytes, sha256: this.#hash.digest('hex') };
    const read = this.#kept.value();
    if (status < 400) return { status: 'ok', result, read };
    const detail = `the target answered with status ${status}`;
    return { status: status < 500 ? 'tool_error' : 'failed', detail, result, read };
  }

  /** The first outcome counts. */
  #settle(outcome: Outcome): void {
    this.#over = true;
    this.#disarmSilence(true);
    const undone = !this.#left && (outcome.status === 'failed' || outcome.status === 'cut');
    this.#finish(undone ? { ...outcome, nothingDone: true } : outcome);
  }

  #stop(error: Error): void {
    this.#stopped = error;
    this.#controller?.abort(error);
  }

  /** Says why there is no answer; in the middle of one the connection ends, so that it does not pass for a whole one. */
  #refuse(answer: HttpAnswer): void {
    const { response } = this.#parts;
    if (response.headersSent) response.destroy();
    else if (answer.kind === 'whole') sendWhole(response, answer);
  }

  #armSilence(): void {
    const { timeoutMs } = this.#parts.target.config;
    this.#silence = setTimeout(() => {
      this.fail(new UpstreamTimeout(`the target was silent for ${timeoutMs / 1000} seconds`));
    }, timeoutMs).unref();
  }

  #disarmSilence(forGood: boolean): void {
    if (this.#silence === null) return;
    clearTimeout(this.#silence);
    if (forGood) this.#silence = null;
  }
}

function tooLarge(limit: number): TooLarge {
  return new TooLarge(`the target answered with more than ${limit} bytes`);
}

/** Names in lower case, in the order and number in which they came. */
function pairsOf(raw: Dispatcher.DispatchController['rawHeaders']): [string, string][] {
  if (!Array.isArray(raw)) return [];
  const pairs: [string, string][] = [];
  for (let place = 0; place + 1 < raw.length; place += 2) {
    pairs.push([latin1(raw[place]!).toLowerCase(), latin1(raw[place + 1]!)]);
  }
  return pairs;
}

function latin1(text: Buffer | string): string {
  return typeof text === 'string' ? text : text.toString('latin1');
}
