import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { InvalidRequest, RemitError, UpstreamFailed } from '../../core/errors.ts';
import { STRIP_NOTHING, type Strip, type Stripper } from '../../credential/strip.ts';
import type { Outcome } from '../exchange.ts';
import { asUpstream } from './relay-failure.ts';
import { releaseBuffers } from './release-buffers.ts';
import { checkHeaders, type RequestHeaders } from './request-headers.ts';

/** A connection that its client wants as a WebSocket, and what it has sent already. */
export type Upgrading = { socket: Duplex; head: Buffer };

const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(['upgrade', 'keep-alive']);
const FORMS: Readonly<Record<string, RegExp>> = {
  'sec-websocket-key': /^[A-Za-z0-9+/]{22}==$/,
  'sec-websocket-version': /^13$/,
};
const PROTOCOL = /^[\w!#$%&'*+.^`|~-]+(?:, ?[\w!#$%&'*+.^`|~-]+)*$/;

/**
 * The headers of a handshake (RFC 6455, section 4.1) that go on; extensions do not, so that what passes can be read.
 *
 * @throws InvalidRequest when it is another upgrade, or could be read in two ways.
 */
export function checkHandshake(headers: RequestHeaders): Record<string, string> {
  const rest = new Map([...headers].filter(([name]) => name !== 'connection' && name !== 'upgrade'));
  if (checkHeaders(rest).kind !== 'none') throw new InvalidRequest('a handshake has no body');
  const options = (headers.get('connection') ?? []).join(',').split(',');
  const isUpgrade = headers.get('upgrade')?.join(',').toLowerCase() === 'websocket';
  if (!isUpgrade || !options.every((option) => CONNECTION_OPTIONS.has(option.trim().toLowerCase()))) {
    throw new InvalidRequest('nothing but a WebSocket is upgraded to');
  }
  const passed: Record<string, string> = {};
  for (const [name, form] of Object.entries(FORMS)) {
    const values = headers.get(name) ?? [];
    const [value] = values;
    if (values.length !== 1 || value === undefined || !form.test(value)) {
      throw new InvalidRequest(`the header \`${name}\` is not that of a WebSocket`);
    }
    passed[name] = value;
  }
  const protocols = headers.get('sec-websocket-protocol');
  if (protocols === undefined) return passed;
  const [protocol] = protocols;
  if (protocols.length > 1 || protocol === undefined || !PROTOCOL.test(protocol)) {
    throw new InvalidRequest('the header `sec-websocket-protocol` is no list of protocols');
  }
  return { ...passed, 'sec-websocket-protocol': protocol };
}

/**
 * A WebSocket between an agent and a target: decided once, at its handshake, and open until one of them closes it or it is cut.
 * Each side is read no faster than the other reads.
 */
export class Tunnel implements Dispatcher.DispatchHandler {
  readonly finished: Promise<Outcome>;
  readonly #client: Upgrading;
  /** Answers the handshake with an error, while there is no WebSocket. */
  readonly #refuse: (error: unknown) => void;
  #strips: readonly Strip[] = [];
  #finish!: (outcome: Outcome) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #upstream: Duplex | null = null;
  #stopped: Error | null = null;
  #over = false;
  #left = false;
  #bytes = 0;

  constructor(client: Upgrading, refuse: (error: unknown) => void) {
    this.#client = client;
    this.#refuse = refuse;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.finished = promise;
    this.#finish = resolve;
    client.socket.on('error', () => client.socket.destroy());
    client.socket.on('close', () => this.#close());
  }

  get over(): boolean {
    return this.#over;
  }

  guard(strips: readonly Strip[]): void {
    this.#strips = strips.filter((strip) => strip !== STRIP_NOTHING);
  }

  cut(reason: string): void {
    this.#end({ status: 'cut', detail: reason }, new UpstreamFailed(`cut: ${reason}`));
  }

  fail(error: unknown): void {
    const detail = error instanceof RemitError ? error.message : 'internal';
    this.#end({ status: 'failed', detail }, error instanceof Error ? error : new Error(detail));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#stopped !== null) controller.abort(this.#stopped);
    else this.#left = true;
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    _status: number,
    headers: Record<string, string | string[] | undefined>,
    upstream: Duplex,
  ): void {
    this.#upstream = upstream;
    upstream.on('error', () => upstream.destroy());
    upstream.on('close', () => this.#close());
    if (this.#over) return void upstream.destroy();
    const { socket, head } = this.#client;
    const lines = ['sec-websocket-accept', 'sec-websocket-protocol'].flatMap((name) => {
      const value = headers[name];
      // INVARIANT 7: no name of a protocol that a target thinks up, which may be anything.
      const known = typeof value === 'string' && !this.#strips.some((strip) => strip.inName(value));
      return known ? [`${name}: ${value}\r\n`] : [];
    });
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n${lines.join('')}\r\n`,
    );
    if (head.length > 0) upstream.write(head);
    socket.pipe(upstream);
    this.#passOn(upstream, socket);
  }

  /** INVARIANT 7: what the target sends loses the credential of the target, in place. */
  #passOn(upstream: Duplex, socket: Duplex): void {
    const strippers = this.#strips.map((strip) => strip.begin());
    const stripped = (chunk: Uint8Array) => strippers.reduce((bytes, stripper) => stripper.write(bytes), chunk);
    upstream.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      releaseBuffers(chunk.length);
      if (socket.write(stripped(chunk))) return;
      upstream.pause();
      socket.once('drain', () => upstream.resume());
    });
    upstream.on('end', () => socket.end(strippers.reduce(rest, new Uint8Array(0))));
  }

  /** An answer that is no WebSocket. */
  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status >= 200) this.fail(new UpstreamFailed('the target opened no WebSocket'));
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.fail(this.#left ? new UpstreamFailed('the target opened no WebSocket', { cause }) : asUpstream(cause));
  }

  #close(): void {
    if (this.#upstream === null) this.cut('the caller went away');
    else this.#end({ status: 'ok', result: { status: 101, bytes: this.#bytes } }, new Error('closed'));
  }

  /** The first outcome counts. */
  #end(outcome: Outcome, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopped = error;
    const undone = !this.#left && outcome.status !== 'ok';
    this.#finish(undone ? { ...outcome, nothingDone: true } : outcome);
    if (this.#upstream === null) {
      this.#refuse(error);
      this.#controller?.abort(error);
      return;
    }
    this.#upstream.destroy();
    this.#client.socket.destroy();
  }
}

/** What a stripper has held back, behind what those before it have. */
function rest(bytes: Uint8Array, stripper: Stripper): Uint8Array {
  return Buffer.concat([stripper.write(bytes), stripper.end()]);
}
